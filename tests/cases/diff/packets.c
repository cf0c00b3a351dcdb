/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Example packets of a difference as cases for the kernel: what each of them did under OLD and does under NEW, as `diff` tells it.
 *
 * Usage: diff-packets OLD.jsonl NEW.jsonl < the JSON document of `diff`. Nothing is written of packets whose fate is not certain.
 */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));
	return text ? text : "";
}

/* The path of a packet that NAT sends elsewhere is not that of the other ruleset: only a fate that needs no path is sure there. */
static const char *expectation(const json_t *change, const char *side, char room[32])
{
	const char *fate = text_of(json_object_get(change, side), "fate");
	const char *presence = text_of(change, strcmp(side, "old") == 0 ? "before" : "after");
	if (strcmp(presence, "never") == 0 && (strcmp(fate, "drop") == 0 || strcmp(fate, "reject") == 0))
		return fate;
	if (strcmp(presence, "certain") != 0 || strcmp(fate, "accept") != 0)
		return NULL;
	snprintf(room, 32, "%s-accept", text_of(change, "path"));
	return room;
}

static int write_packet(const json_t *change, const char *side, int id, FILE *out)
{
	char room[32];
	const char *expect = expectation(change, side, room), *state = text_of(change, "packets");
	/* states that the judge cannot give a packet: untracked is what rules make it, related are errors of ICMP */
	if (!expect || strcmp(state, "untracked") == 0 || strcmp(state, "related") == 0)
		return 0;
	json_t *packet = json_deep_copy(json_object_get(change, "packet"));
	json_object_set_new(packet, "id", json_integer(id));
	json_object_set_new(packet, "expect", json_string(expect));
	/* the judge sends what is for this host without an outgoing interface; the path is its business */
	json_object_del(packet, "mark");
	json_object_del(packet, "ct_mark");
	if (strcmp(text_of(packet, "path"), "out") != 0)
		json_object_del(packet, "path");
	json_dumpf(packet, out, JSON_COMPACT);
	fputc('\n', out);
	json_decref(packet);
	return 1;
}

int main(int argc, char **argv)
{
	json_error_t error;
	json_t *document = json_loadf(stdin, 0, &error);
	FILE *files[2] = { argc == 3 ? fopen(argv[1], "we") : NULL, argc == 3 ? fopen(argv[2], "we") : NULL };
	const json_t *change;
	size_t index;
	int written = 0;
	if (!document || !files[0] || !files[1]) {
		fprintf(stderr, "diff-packets: no document, or no files to write: %s\n", error.text);
		return 2;
	}
	json_array_foreach(json_object_get(document, "changes"), index, change)
	{
		written += write_packet(change, "old", (int)index, files[0]);
		written += write_packet(change, "new", (int)index, files[1]);
	}
	json_decref(document);
	printf("%d\n", written);
	return fclose(files[0]) || fclose(files[1]) ? 2 : 0;
}
