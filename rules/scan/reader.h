/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Inside the reader of scans. */
#ifndef SCAN_READER_H
#define SCAN_READER_H

#include "portaudit/scan.h"

/* Sizes beyond which a file is refused: no real scan comes near them. */
#define SCAN_SIZE_MAX ((size_t)256 << 20)
#define SCAN_DEPTH_MAX 32
#define SCAN_ANSWERS_MAX 256 /* kinds of answers of one host */
#define SCAN_ERRORS_MAX 20

struct port_list {
	struct pa_interval *items;
	size_t count, capacity;
};

/* One <extraports>, or one <extrareasons> in it. */
struct unlisted {
	enum pa_scan_state state;
	const char *reason;
	size_t count;
	bool named; /* its <extrareasons> name the ports */
};

/* What one protocol was scanned with: <scaninfo>. */
struct scan_info {
	unsigned protocol;
	enum pa_scan_probe probe;
	struct port_list services;
};
#define SCAN_INFOS_MAX 8

/* An answer that is being gathered; its list becomes that of a pa_scan_answer. */
struct gathered {
	struct pa_scan_answer answer;
	struct port_list ports;
};

struct scan_reader {
	struct pa_scan *scan;
	struct pa_diags *diags;
	const char *name;
	struct pa_location here;
	size_t error_count;
	bool odd_probes; /* an argument of the scanner changes its packets */
	struct scan_info infos[SCAN_INFOS_MAX];
	size_t info_count;
	/* the host that is being read */
	bool in_host, has_address, is_down;
	struct pa_scan_host host;
	struct gathered gathered[SCAN_ANSWERS_MAX];
	size_t gathered_count;
	struct unlisted unlisted;
	size_t unlisted_count; /* <extraports> without names */
	unsigned port_protocol;
	pa_u128 port;
	bool has_port;
	size_t host_capacity;
};

/* The attributes of the element that is being read; NULL: it does not have it. */
typedef const char *(*attribute_function)(void *context, const char *name);
struct element {
	const char *name;
	attribute_function get;
	void *context;
};
const char *scan_attribute(const struct element *element, const char *name);

__attribute__((format(printf, 3, 4))) void scan_error(struct scan_reader *reader, const char *help, const char *format, ...);

/* arguments.c: what the scanner's command line says of its packets. */
void scan_read_arguments(struct scan_reader *reader, const char *arguments);

/* ports.c: "1-1023,3306"; false: it is no such list. */
bool scan_parse_ports(const char *text, struct port_list *ret_list);
void scan_add_ports(struct port_list *list, pa_u128 first, pa_u128 last);
void scan_sort_ports(struct port_list *list);
bool scan_parse_number(const char *text, unsigned long most, unsigned long *ret_number);

/* host.c: the elements of a host. */
void scan_begin_host(struct scan_reader *reader);
void scan_read_status(struct scan_reader *reader, const struct element *element);
void scan_read_address(struct scan_reader *reader, const struct element *element);
void scan_read_unlisted(struct scan_reader *reader, const struct element *element);
void scan_read_unlisted_reason(struct scan_reader *reader, const struct element *element);
void scan_read_port(struct scan_reader *reader, const struct element *element);
void scan_read_state(struct scan_reader *reader, const struct element *element);
void scan_end_unlisted(struct scan_reader *reader);
void scan_end_host(struct scan_reader *reader);

#endif
