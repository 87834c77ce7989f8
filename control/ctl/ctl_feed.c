/* SPDX-License-Identifier: GPL-3.0-or-later */
/* volleyctl transfers, and volleyctl zone status, refresh, retransfer, notify, accept, reject. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "common/plural.h"
#include "ctl.h"

#define WHEN_BYTES 80

/* "2026-11-30T14:00:00Z, 3 min 5 s ago", or "in 20 s". Returns `out`. */
static const char *
write_when(uint64_t unix_s, char out[WHEN_BYTES])
{
	const time_t time_s = (time_t)unix_s;
	const double age_s = difftime(time(NULL), time_s);
	struct tm tm;
	char age[40];

	vly_ctl_age(age_s < 0 ? -age_s : age_s, age, sizeof(age));
	if (age_s < 0 || !gmtime_r(&time_s, &tm)) {
		snprintf(out, WHEN_BYTES, "in %s", age);
		return out;
	}
	strftime(out, WHEN_BYTES, "%Y-%m-%dT%H:%M:%SZ, ", &tm);
	snprintf(out + strlen(out), WHEN_BYTES - strlen(out), "%s ago", age);
	return out;
}

static unsigned long long
number_at(json_t *object, const char *key)
{
	return (unsigned long long)vly_ctl_number_at(object, key);
}

static void
print_mark(json_t *object, const char *key)
{
	json_t *mark = json_object_get(object, key);
	char when[WHEN_BYTES];

	if (mark)
		printf("%-10s %llu, %s\n", key, number_at(mark, "serial"),
		       write_when(vly_ctl_number_at(mark, "time_unix_s"), when));
}

static void
print_time(json_t *object, const char *key, const char *label)
{
	char when[WHEN_BYTES];

	if (json_object_get(object, key))
		printf("%-10s %s\n", label, write_when(vly_ctl_number_at(object, key), when));
}

static void
print_primary(json_t *primary, const char *label)
{
	json_t *said = json_object_get(primary, "said");
	unsigned long long failures = number_at(primary, "failures");
	char when[WHEN_BYTES];

	printf("%-10s %s %s: ", label, vly_ctl_text_at(primary, "remote"),
	       vly_ctl_text_at(primary, "address"));
	if (said)
		printf("said %llu, %s", number_at(said, "serial"),
		       write_when(vly_ctl_number_at(said, "time_unix_s"), when));
	else
		printf("has said nothing yet");
	if (failures > 0)
		printf("; failed %llu time%s in a row: %s", failures, vly_plural(failures),
		       vly_ctl_text_at(primary, "why"));
	putchar('\n');
}

static void
print_amounts(json_t *transfer)
{
	const uint64_t bytes = vly_ctl_number_at(transfer, "bytes");
	const uint64_t ms = vly_ctl_number_at(transfer, "duration_ms");
	char text[VLY_CTL_NUMBER_BYTES];

	printf("%s octet%s in %llu message%s", vly_ctl_number(bytes, text), vly_plural(bytes),
	       number_at(transfer, "messages"),
	       vly_plural(vly_ctl_number_at(transfer, "messages")));
	printf(", %.3f s", (double)ms / 1000);
	if (ms > 0)
		printf(", %s octets/s", vly_ctl_number(bytes * 1000 / ms, text));
}

static void
print_secondary(json_t *secondary)
{
	json_t *transfer = json_object_get(secondary, "transfer");
	json_t *primary;
	size_t i;

	printf("state      %s%s%s\n", vly_ctl_text_at(secondary, "state"),
	       *vly_ctl_text_at(secondary, "why") ? ": " : "", vly_ctl_text_at(secondary, "why"));
	printf("now        %s\n", vly_ctl_text_at(secondary, "phase"));
	print_mark(secondary, "answered");
	print_mark(secondary, "committed");
	print_mark(secondary, "received");
	print_mark(secondary, "held");
	json_array_foreach(json_object_get(secondary, "primaries"), i, primary)
		print_primary(primary, i == 0 ? "primaries" : "");
	print_time(secondary, "contact_unix_s", "confirmed");
	print_time(secondary, "next_unix_s", "refresh");
	print_time(secondary, "expires_unix_s", "expires");
	printf("transfers  %llu AXFR, %llu IXFR, %llu refused; %llu NOTIFY\n",
	       number_at(secondary, "axfr"), number_at(secondary, "ixfr"),
	       number_at(secondary, "refused"), number_at(secondary, "notify"));
	if (transfer) {
		printf("last       %s: ", vly_ctl_text_at(transfer, "kind"));
		print_amounts(transfer);
		putchar('\n');
	}
}

static void
print_notify(json_t *notify, const char *label)
{
	unsigned long long tries = number_at(notify, "tries");
	char when[WHEN_BYTES];

	printf("%-10s %s %s: %llu %s", label, vly_ctl_text_at(notify, "remote"),
	       vly_ctl_text_at(notify, "address"), number_at(notify, "serial"),
	       vly_ctl_text_at(notify, "state"));
	if (strcmp(vly_ctl_text_at(notify, "state"), "denied") == 0)
		printf(" with RCODE %llu", number_at(notify, "rcode"));
	if (*vly_ctl_text_at(notify, "why"))
		printf(" (%s)", vly_ctl_text_at(notify, "why"));
	printf(", %llu message%s, %s\n", tries, vly_plural(tries),
	       write_when(vly_ctl_number_at(notify, "time_unix_s"), when));
}

static void
print_zone_status(json_t *answer)
{
	json_t *secondary = json_object_get(answer, "secondary");
	char records[VLY_CTL_NUMBER_BYTES];
	json_t *notify;
	size_t i;

	printf("zone       %s, %s", vly_ctl_text_at(answer, "zone"),
	       vly_ctl_text_at(answer, "role"));
	if (json_object_get(answer, "serial"))
		printf(", serial %llu", number_at(answer, "serial"));
	if (json_object_get(answer, "records"))
		printf(", %s records",
		       vly_ctl_number(vly_ctl_number_at(answer, "records"), records));
	putchar('\n');
	if (*vly_ctl_text_at(answer, "file"))
		printf("file       %s\n", vly_ctl_text_at(answer, "file"));
	if (*vly_ctl_text_at(answer, "error_text"))
		printf("problem    %s\n", vly_ctl_text_at(answer, "error_text"));
	if (secondary)
		print_secondary(secondary);
	json_array_foreach(json_object_get(answer, "notifies"), i, notify)
		print_notify(notify, i == 0 ? "notify" : "");
}

static void
print_done(json_t *answer)
{
	(void)answer;
	puts("done; volleyctl zone status shows what comes of it");
}

enum vly_ctl_exit
vly_ctl_zone_feed(const struct vly_ctl *ctl, const char *verb, char **args, int arg_cnt)
{
	const bool takes_serial = strcmp(verb, "accept") == 0 || strcmp(verb, "reject") == 0;
	char command[64];
	uint32_t serial;

	if (arg_cnt < 1 || arg_cnt > 1 + takes_serial) {
		snprintf(command, sizeof(command), "zone %.20s takes a zone%s", verb,
			 takes_serial ? " and a serial" : "");
		return vly_ctl_fail_usage(command);
	}
	snprintf(command, sizeof(command), "zone-%.20s", verb);
	json_t *request = json_pack("{s:s,s:s}", "command", command, "zone", args[0]);
	if (arg_cnt == 2 && !vly_ctl_read_serial(args[1], &serial)) {
		json_decref(request);
		return vly_ctl_fail_usage("a serial is a number from 0 to 4294967295");
	}
	if (arg_cnt == 2)
		json_object_set_new(request, "serial", json_integer(serial));
	return vly_ctl_call_and_show(ctl, request,
				     strcmp(verb, "status") == 0 ? print_zone_status : print_done);
}

static void
print_transfer(json_t *transfer)
{
	printf("%-3s  %s %s  %s%s  %s  serial %llu  ", vly_ctl_text_at(transfer, "direction"),
	       vly_ctl_text_at(transfer, "kind"), vly_ctl_text_at(transfer, "zone"),
	       vly_ctl_text_at(transfer, "peer"),
	       json_is_true(json_object_get(transfer, "tls")) ? " (TLS)" : "",
	       vly_ctl_text_at(transfer, "phase"), number_at(transfer, "serial"));
	print_amounts(transfer);
	putchar('\n');
}

static void
print_in(json_t *in)
{
	char bytes[VLY_CTL_NUMBER_BYTES];

	printf("in   %llu under way, %llu waiting; since the start %llu AXFR, %llu IXFR, %llu "
	       "failed, "
	       "%s octets; %llu NOTIFY, %llu of them refused\n",
	       number_at(in, "running"), number_at(in, "queued"), number_at(in, "axfr"),
	       number_at(in, "ixfr"), number_at(in, "failed"),
	       vly_ctl_number(vly_ctl_number_at(in, "bytes"), bytes), number_at(in, "notify"),
	       number_at(in, "notify_refused"));
}

static void
print_out(json_t *out)
{
	static const char *const troubles[][2] = {
		{"refused", "refused"},
		{"bad_signatures", "with a bad signature"},
		{"malformed", "malformed"},
		{"busy", "put off: too many"},
		{"failed", "failed"},
		{"slow", "too slow"},
		{"broken", "broken off by the client"},
	};
	char bytes[VLY_CTL_NUMBER_BYTES];

	printf("out  %llu under way; since the start %llu AXFR, %llu IXFR, %llu IXFR answered with "
	       "the "
	       "SOA alone, %s octets",
	       number_at(out, "transfers"), number_at(out, "axfr"), number_at(out, "ixfr"),
	       number_at(out, "current"), vly_ctl_number(vly_ctl_number_at(out, "bytes"), bytes));
	for (size_t i = 0; i < sizeof(troubles) / sizeof(troubles[0]); i++)
		if (vly_ctl_number_at(out, troubles[i][0]) > 0)
			printf("%s %llu %s", i == 0 ? ";" : ",", number_at(out, troubles[i][0]),
			       troubles[i][1]);
	putchar('\n');
}

static void
print_transfers(json_t *answer)
{
	json_t *transfer;
	size_t i;

	print_in(json_object_get(answer, "in"));
	print_out(json_object_get(answer, "out"));
	json_array_foreach(json_object_get(answer, "transfers"), i, transfer)
		print_transfer(transfer);
	if (vly_ctl_number_at(answer, "left_off"))
		printf("and %llu more\n", number_at(answer, "left_off"));
}

static void
print_past(json_t *answer)
{
	char when[WHEN_BYTES];
	json_t *past;
	size_t i;

	json_array_foreach(json_object_get(answer, "past"), i, past)
	{
		const bool failed = json_is_true(json_object_get(past, "failed"));
		printf("%s  %-3s  %s %s  %s%s  serial %llu  ",
		       write_when(vly_ctl_number_at(past, "time_unix_s"), when),
		       vly_ctl_text_at(past, "direction"), vly_ctl_text_at(past, "kind"),
		       vly_ctl_text_at(past, "zone"), vly_ctl_text_at(past, "peer"),
		       json_is_true(json_object_get(past, "tls")) ? " (TLS)" : "",
		       number_at(past, "serial"));
		print_amounts(past);
		printf("  %s%s\n", failed ? "failed: " : "done", vly_ctl_text_at(past, "why"));
	}
}

enum vly_ctl_exit
vly_ctl_transfers(const struct vly_ctl *ctl, char **args, int arg_cnt)
{
	(void)args;
	if (arg_cnt > 0)
		return vly_ctl_fail_usage("transfers takes no argument but --past");
	if (ctl->past)
		return vly_ctl_call_and_show(ctl, json_pack("{s:s}", "command", "transfers-past"),
					     print_past);
	return vly_ctl_call_and_show(ctl, json_pack("{s:s}", "command", "transfers"),
				     print_transfers);
}
