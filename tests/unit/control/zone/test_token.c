/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Records are cut out of zone files by the lexical rules of RFC 1035 §5.1, and words are read as
 * octets, names, numbers and TTLs. */
#include <stdio.h>
#include <string.h>

#include <criterion/criterion.h>

#include "zone/token.h"

/* All records of the text: words between bars, [quoted], "^" for an omitted owner, each record with
 * its lines before its end; an error as "!line why". */
static const char *
lex_all(const char *text, size_t len, bool form_feed_is_blank)
{
	static char shown[2000];
	struct vly_lexed lexed = {.form_feed_is_blank = form_feed_is_blank};
	const char *at = text;
	const char *end = text + len;
	int result;

	shown[0] = '\0';
	FILE *out = fmemopen(shown, sizeof(shown), "w");
	cr_assert_not_null(out);
	for (unsigned i = 0; i < 100 && (result = vly_lex(&lexed, at, end)) != 0; i++) {
		cr_assert_gt(lexed.end, at);
		at = lexed.end;
		if (result < 0) {
			fprintf(out, "!%u %s;", lexed.why_line, lexed.why);
			continue;
		}
		fputs(lexed.owner_omitted ? "^" : "", out);
		for (unsigned j = 0; j < lexed.cnt; j++) {
			const struct vly_token *token = &lexed.token[j];
			fprintf(out, token->quoted ? "[%.*s]|" : "%.*s|", (int)token->len,
				token->text);
		}
		fprintf(out, "%u-%u;", lexed.line, lexed.line_cnt);
	}
	cr_assert_eq(lexed.end, end);
	fclose(out);
	vly_lexed_free(&lexed);
	return shown;
}

Test(token, cuts_records)
{
	static const struct {
		const char *text;
		const char *wanted;
	} cases[] = {
		{"", ""},
		{"\n \n\t; c\n()\n", ""},
		{"a b\n", "a|b|0-1;"},
		{"a b", "a|b|0-0;"},
		{" b\tc \n", "^b|c|0-1;"},
		{"\tb\n", "^b|0-1;"},
		{"\n; c\n  ; d\na\n", "a|3-4;"},
		{"a;b\nc\n", "a|0-1;c|0-1;"},
		{"a \"b;c\" d\n", "a|[b;c]|d|0-1;"},
		{"a \"\"\n", "a|[]|0-1;"},
		{"a \"\";c\n", "a|[]|0-1;"},
		/* quotes end and begin words */
		{"a \"ab\"\"cd\"\n", "a|[ab]|[cd]|0-1;"},
		{"a \"ab\"cd\n", "a|[ab]|cd|0-1;"},
		{"a ab\"cd\"\n", "a|ab|[cd]|0-1;"},
		{"a x=\"a b\"y\n", "a|x=|[a b]|y|0-1;"},
		{"\"w\" A\n", "[w]|A|0-1;"},
		/* escapes */
		{"a x\\ y\n", "a|x\\ y|0-1;"},
		{"a x\\;y\\(z\\)\\\"\n", "a|x\\;y\\(z\\)\\\"|0-1;"},
		{"a \"x\\\"y\"\n", "a|[x\\\"y]|0-1;"},
		{"a \"x\\\\\" y\n", "a|[x\\\\]|y|0-1;"},
		{"a x\\\ny\nb\n", "a|x\\|0-1;y|0-1;b|0-1;"},
		{"a x\\\r\ny\n", "a|x\\|0-1;y|0-1;"},
		{"a \"x\\\ny\"\n", "a|[x\\\ny]|0-2;"},
		{"a x\\", "a|x\\|0-0;"},
		/* parentheses */
		{"a (b\n c) d\ne\n", "a|b|c|d|0-2;e|0-1;"},
		{"a ( b ( c\n ) ; )\n d )\n", "a|b|c|d|0-3;"},
		{"a(b)c\n", "a|b|c|0-1;"},
		{"(a\nb)\n", "a|b|0-2;"},
		{" (a\nb)\n", "^a|b|0-2;"},
		{"a ( ; c ( \"\n\n b )\n", "a|b|0-3;"},
		{"a (\"x\ny\")\n", "a|[x\ny]|0-2;"},
		/* CR LF, CR */
		{"a b\r\n\r\n c\r\n", "a|b|0-1;^c|1-2;"},
		{"a (b\r\nc)\r\n", "a|b|c|0-2;"},
		{"a b\r\r\nc\r", "a|b|0-0;c|1-1;"},
		{"a\rb\r", "a|0-0;b|0-0;"},
		{"a \"x\\\r\ny\"\n", "!0 a quote is not closed;!0 a quote is not closed;"},
		{"a b ; c\r\nd\n", "a|b|0-1;d|0-1;"},
		/* errors */
		{"a \"b\nc\n", "!0 a quote is not closed;c|0-1;"},
		{"\na \"b", "!1 a quote is not closed;"},
		{"\na (b\nc\n", "!1 a parenthesis is not closed;"},
		{"a ((b)\nc\n", "!0 a parenthesis is not closed;"},
		{"a b)\nc\n", "!0 a closing parenthesis has no opening one;c|0-1;"},
		{"a (\n\"b\nc \"d\"\n)\n", "!1 a quote is not closed;"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *got = lex_all(cases[i].text, strlen(cases[i].text), false);
		cr_expect_str_eq(got, cases[i].wanted, "%s: %s", cases[i].text, got);
	}
}

Test(token, form_feeds_are_octets_or_blanks)
{
	cr_expect_str_eq(lex_all("a\fb\n", 4, false), "a\fb|0-1;");
	cr_expect_str_eq(lex_all("a\fb\n\f\n\fc\n", 9, true), "a|b|0-1;^c|1-2;");
}

/* NUL, and all that have no meaning of their own. */
Test(token, every_octet_may_stand_in_a_word)
{
	struct vly_lexed lexed = {0};

	for (unsigned octet = 0; octet < 256; octet++) {
		char text[] = {'a', (char)octet, 'b', '\n'};
		bool special = octet != 0 && strchr(" \t\r\n\"();\\", (int)octet) != NULL;
		int result = vly_lex(&lexed, text, text + sizeof(text));
		if (special)
			continue;
		cr_expect_eq(result, 1);
		cr_expect_eq(lexed.cnt, 1, "octet %u", octet);
		cr_expect_eq(lexed.token[0].len, 3, "octet %u", octet);
	}
	vly_lexed_free(&lexed);
}

Test(token, long_records)
{
	enum { CNT = 10000 };
	static char text[2 * CNT + 1];
	struct vly_lexed lexed = {0};

	for (unsigned i = 0; i < CNT; i++)
		memcpy(text + (size_t)2 * i, "x ", 2);
	cr_assert_eq(vly_lex(&lexed, text, text + 2 * CNT), 1);
	cr_expect_eq(lexed.cnt, CNT);
	cr_expect_eq(lexed.token[CNT - 1].text, text + 2 * CNT - 2);
	vly_lexed_free(&lexed);
}

static struct vly_token
token(const char *text)
{
	return (struct vly_token){.text = text, .len = (uint32_t)strlen(text)};
}

static void
expect_octets(const char *text, const char *wanted, int len)
{
	struct vly_token word = token(text);
	uint8_t to[16];

	cr_expect_eq(vly_token_octets(&word, to, sizeof(to)), len, "%s", text);
	if (len > 0)
		cr_expect_eq(memcmp(to, wanted, (size_t)len), 0, "%s", text);
}

Test(token, octets)
{
	expect_octets("", "", 0);
	expect_octets("ab", "ab", 2);
	expect_octets("a\\b\\\\", "ab\\", 3);
	expect_octets("\\000\\255\\0651", "\0\377A1", 4);
	expect_octets("\\\n", "\n", 1);
	expect_octets("0123456789abcdef", "0123456789abcdef", 16);
	expect_octets("0123456789abcde\\102", "0123456789abcdef", 16);
	expect_octets("0123456789abcdefg", "", -1);
	expect_octets("0123456789abcdef\\103", "", -1);
	expect_octets("\\", "", -1);
	expect_octets("\\256", "", -1);
	expect_octets("\\1", "", -1);
	expect_octets("\\12", "", -1);
	expect_octets("\\12a", "", -1);
}

static const uint8_t origin[] = "\1z";

static void
expect_name(const char *text, const char *wanted, unsigned len)
{
	struct vly_token word = token(text);
	uint8_t to[255];
	const char *why;

	cr_expect_eq(vly_token_name(&word, origin, to, &why), len, "%s", text);
	cr_expect_eq(memcmp(to, wanted, len), 0, "%s", text);
}

static void
refuse_name(const char *text, const char *wanted)
{
	struct vly_token word = token(text);
	uint8_t to[255];
	const char *why = "";

	cr_expect_eq(vly_token_name(&word, origin, to, &why), 0, "%s", text);
	cr_expect_neq(strstr(why, wanted), NULL, "%s: %s", text, why);
}

Test(token, names)
{
	expect_name("@", "\1z", 3);
	expect_name(".", "", 1);
	expect_name("a", "\1a\1z", 5);
	expect_name("a.", "\1a", 3);
	expect_name("A.b", "\1A\1b\1z", 7);
	expect_name("\\@", "\1@\1z", 5);
	expect_name("a\\.b.", "\3a.b", 5);
	expect_name("\\000\\255", "\2\0\377\1z", 6);
	expect_name("a+b!#$%&',:<=>?@[]^`{|}~", "\30a+b!#$%&',:<=>?@[]^`{|}~\1z", 28);
	expect_name("\303\244", "\2\303\244\1z", 6);
	refuse_name("", "empty");
	refuse_name("a..b", "empty label");
	refuse_name(".a", "empty label");
	refuse_name("..", "empty label");
	refuse_name("a\\256", "escape");
	refuse_name("a\\", "escape");
}

Test(token, names_of_the_greatest_length)
{
	char label[] = "0123456789012345678901234567890123456789012345678901234567890123";
	char name[300];

	refuse_name(label, "63 octets");
	label[63] = '\0';
	/* 3 * 64 octets, and the last label, and the root */
	snprintf(name, sizeof(name), "%s.%s.%s.%.61s.", label, label, label, label);
	struct vly_token word = token(name);
	uint8_t to[255];
	const char *why;
	cr_expect_eq(vly_token_name(&word, origin, to, &why), 255);
	snprintf(name, sizeof(name), "%s.%s.%s.%.62s.", label, label, label, label);
	refuse_name(name, "255 octets");
	snprintf(name, sizeof(name), "%s.%s.%s.%.59s", label, label, label, label);
	word = token(name);
	cr_expect_eq(vly_token_name(&word, origin, to, &why), 255);
	snprintf(name, sizeof(name), "%s.%s.%s.%.60s", label, label, label, label);
	refuse_name(name, "255 octets");
}

static void
expect_ttl(const char *text, bool is_one, uint32_t wanted)
{
	struct vly_token word = token(text);
	uint32_t seconds = 0;

	cr_expect_eq(vly_token_ttl(&word, &seconds), is_one, "%s", text);
	if (is_one)
		cr_expect_eq(seconds, wanted, "%s", text);
}

Test(token, ttls)
{
	expect_ttl("0", true, 0);
	expect_ttl("4294967295", true, UINT32_MAX);
	expect_ttl("4294967296", false, 0);
	expect_ttl("1w2d3h4m5s", true, 788645);
	expect_ttl("1W2D", true, 777600);
	expect_ttl("1m1w", true, 604860);
	expect_ttl("1m1m", true, 120);
	expect_ttl("8000w", false, 0);
	expect_ttl("18446744073709551617w", false, 0);
	expect_ttl("4294967295s", true, UINT32_MAX);
	expect_ttl("4294967295s1s", false, 0);
	expect_ttl("", false, 0);
	expect_ttl("w", false, 0);
	expect_ttl("30m5", false, 0);
	expect_ttl("1x", false, 0);
	expect_ttl("-1", false, 0);
	expect_ttl("0x10", false, 0);
}

Test(token, numbers_and_words)
{
	uint64_t value;
	char shown[VLY_TOKEN_SHOWN_BYTES];
	struct vly_token word = token("255");

	cr_expect(vly_token_number(&word, 255, &value) && value == 255);
	cr_expect(!vly_token_number(&word, 254, &value));
	word = token("25x");
	cr_expect(!vly_token_number(&word, 255, &value));
	word = token("iN");
	cr_expect(vly_token_is(&word, "IN"));
	cr_expect(!vly_token_is(&word, "I"));
	word.quoted = true;
	cr_expect(!vly_token_is(&word, "IN"));
	word = token("a\001b\377");
	cr_expect_str_eq(vly_token_shown(&word, shown), "a?b?");
	word = token("0123456789012345678901234567890123456789012345678901234567890123456789");
	cr_expect_str_eq(vly_token_shown(&word, shown),
			 "012345678901234567890123456789012345678901234567890123456789...");
}
