/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The seccomp filters of the child. */
#include "sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

/* Refused in any case. Numbers that an architecture does not have are left out. */
static const unsigned refused[] = {
	SYS_execve,
	SYS_execveat,
	SYS_clone,
	SYS_clone3,
	SYS_ptrace,
	SYS_kill,
	SYS_process_vm_readv,
	SYS_process_vm_writev,
	SYS_connect,
	SYS_listen,
	SYS_accept,
	SYS_accept4,
	SYS_socketpair,
	SYS_mount,
	SYS_umount2,
	SYS_pivot_root,
	SYS_chroot,
	SYS_setns,
	SYS_unshare,
	SYS_bpf,
	SYS_keyctl,
	SYS_add_key,
	SYS_request_key,
	SYS_io_uring_setup,
	SYS_perf_event_open,
	SYS_userfaultfd,
	SYS_init_module,
	SYS_finit_module,
	SYS_delete_module,
	SYS_reboot,
	SYS_swapon,
	SYS_open_by_handle_at,
	SYS_openat2,
	SYS_unlinkat,
	SYS_renameat2,
	SYS_mkdirat,
	SYS_mknodat,
	SYS_linkat,
	SYS_symlinkat,
	SYS_fchmod,
	SYS_fchmodat,
	SYS_fchown,
	SYS_fchownat,
	SYS_truncate,
	SYS_setxattr,
	SYS_utimensat,
#ifdef SYS_fork
	SYS_fork,
	SYS_vfork,
#endif
#ifdef SYS_unlink
	SYS_unlink,
	SYS_rename,
	SYS_mkdir,
	SYS_rmdir,
	SYS_mknod,
	SYS_link,
	SYS_symlink,
	SYS_chmod,
	SYS_chown,
	SYS_lchown,
	SYS_creat,
#endif
#ifdef SYS_renameat
	SYS_renameat,
#endif
};

#if defined(__x86_64__)
#define ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#elif defined(__riscv) && __riscv_xlen == 64
#define ARCHITECTURE AUDIT_ARCH_RISCV64
#elif defined(__powerpc64__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define ARCHITECTURE AUDIT_ARCH_PPC64LE
#elif defined(__arm__)
#define ARCHITECTURE AUDIT_ARCH_ARM
#elif defined(__i386__)
#define ARCHITECTURE AUDIT_ARCH_I386
#else
#error "add the audit architecture (linux/audit.h) of this machine"
#endif

#define X32_BIT 0x40000000u
#define REFUSE (SECCOMP_RET_ERRNO | EACCES)
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define LOW_HALF 0
#else
#define LOW_HALF 4
#endif

#define PROGRAM_MAX 256
struct program {
	struct sock_filter code[PROGRAM_MAX];
	unsigned short length;
};

static void add(struct program *program, unsigned code, unsigned k, unsigned yes, unsigned no)
{
	if (program->length < PROGRAM_MAX)
		program->code[program->length++] =
			(struct sock_filter){ (unsigned short)code, (unsigned char)yes, (unsigned char)no, k };
}

static void load(struct program *program, size_t offset)
{
	add(program, BPF_LD | BPF_W | BPF_ABS, (unsigned)offset, 0, 0);
}

static void finish(struct program *program, unsigned action)
{
	add(program, BPF_RET | BPF_K, action, 0, 0);
}

static size_t argument(size_t number)
{
	return offsetof(struct seccomp_data, args) + number * sizeof(uint64_t) + LOW_HALF;
}

/* The call is refused, wholly. */
static void refuse(struct program *program, unsigned call)
{
	add(program, BPF_JMP | BPF_JEQ | BPF_K, call, 0, 1);
	finish(program, REFUSE);
}

/* The call is refused when one of the bits is set in the argument. */
static void refuse_bits(struct program *program, unsigned call, size_t number, unsigned bits)
{
	add(program, BPF_JMP | BPF_JEQ | BPF_K, call, 0, 4);
	load(program, argument(number));
	add(program, BPF_JMP | BPF_JSET | BPF_K, bits, 0, 1);
	finish(program, REFUSE);
	finish(program, SECCOMP_RET_ALLOW);
}

/* The call is allowed with this value of its first argument only. */
static void only_first(struct program *program, unsigned call, unsigned value)
{
	add(program, BPF_JMP | BPF_JEQ | BPF_K, call, 0, 4);
	load(program, argument(0));
	add(program, BPF_JMP | BPF_JEQ | BPF_K, value, 1, 0);
	finish(program, REFUSE);
	finish(program, SECCOMP_RET_ALLOW);
}

static void write_program(struct program *program, bool files)
{
	load(program, offsetof(struct seccomp_data, arch));
	add(program, BPF_JMP | BPF_JEQ | BPF_K, ARCHITECTURE, 1, 0);
	finish(program, SECCOMP_RET_KILL_PROCESS);
	load(program, offsetof(struct seccomp_data, nr));
	if (ARCHITECTURE == AUDIT_ARCH_X86_64) {
		add(program, BPF_JMP | BPF_JGE | BPF_K, X32_BIT, 0, 1);
		finish(program, SECCOMP_RET_KILL_PROCESS);
	}
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		refuse(program, refused[i]);
#ifdef SYS_open
	if (!files)
		refuse(program, SYS_open);
#endif
	if (!files)
		refuse(program, SYS_openat);
	only_first(program, SYS_socket, AF_NETLINK);
#ifdef SYS_open
	refuse_bits(program, SYS_open, 1, O_WRONLY | O_RDWR | O_CREAT | O_TRUNC);
#endif
	refuse_bits(program, SYS_openat, 2, O_WRONLY | O_RDWR | O_CREAT | O_TRUNC);
	finish(program, SECCOMP_RET_ALLOW);
}

void pa_sandbox_limit_calls(const struct pa_child *child, bool files)
{
	struct program program = { .length = 0 };
	struct sock_fprog filter = { .filter = program.code };

	write_program(&program, files);
	filter.len = program.length;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) != 0)
		pa_child_end(child, PA_CHILD_UNABLE, "the process for libnftables could not be confined: %s", strerror(errno));
}
