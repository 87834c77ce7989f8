# SPDX-License-Identifier: GPL-3.0-or-later
"""Random zone files of plain and odd lines in any order: each line must leave the same owner, origin and TTL to the
next one, whichever way it is read."""

TTLS = (b"", b"", b"60 ", b"1h ", b"IN ", b"CLASS1 ", b"IN 60 ", b"60 class1 ", b"4294967295 ")
PLAIN = (b"A 192.0.2.1", b"AAAA 2001:db8::1", b"TXT plain", b'TXT "quoted" words', b"MX 10 mail", b"PTR host",
         b"SRV 1 2 53 target.example.net.", b"HTTPS 1 . alpn=h2", b"DHCID AQID", b"TYPE999 \\# 2 0102", b"SPF x",
         b"RP box txt", b"SSHFP 1 1 " + b"01" * 20, b"NSEC next A MX")
ODD = (b"A (\n192.0.2.1\n)", b"AAAA ( 2001:db8::1 ; comment\n )", b'TXT "a""b"', b"TXT \xc3\xbc", b"MX 10 x+y",
       b"PTR a:b", b"SRV ( 1 ( 2\r\n 53 ) target )", b"HTTPS 1 . alpn=foo\\\\\\092,bar", b"DHCID AQ ID",
       b"HIP 2 20 AwEA", b"TYPE999 ( \\# 2\n 0102 )", b"L64 10 1:2:3:4", b"WKS 192.0.2.1 TCP 25", b"NSEC next A DSYNC")
OWNERS = (b"o%d", b"o%d", b"o%d", b"o%d", b"o%d.sub", b"o%d+x", b"\xc3\xbc%d", b"o%d\\046x", b'"q%d"',
          b"*.o%d", b"O%d.example.")
ORIGINS = (b"sub", b"a+b", b"@", b"example.", b"example.", b"deep.er", b"sub.example.")


class Mixed:
    """A zone file and the files that it includes, by name."""

    def __init__(self, dice, name, lines):
        self.dice, self.count, self.used = dice, 0, set()
        self.files = {}
        self.files[name] = self.text(lines, 0)

    def record(self, may_omit):
        """A record of an owner of its own, or of that of the line before with another type."""
        dice = self.dice
        data = dice.choice(dice.choice([PLAIN, ODD]))
        rrtype = data.split(b" ")[0]
        if may_omit and self.used and rrtype not in self.used and dice.random() < 0.4:
            owner = b""
        else:
            self.count += 1
            owner, self.used = dice.choice(OWNERS).replace(b"%d", b"%d" % self.count), set()
        self.used.add(rrtype)
        return owner + dice.choice([b" ", b"\t", b"  "]) + dice.choice(TTLS) + data

    def directive(self, depth):
        dice = self.dice
        kind = dice.random()
        if kind < 0.3:
            return b"$TTL " + dice.choice([b"60", b"1h", b"2147483648", b"300"])
        if kind < 0.6:
            return dice.choice([b"$ORIGIN ", b"$origin\t"]) + dice.choice(ORIGINS)
        if kind < 0.75:
            self.count += 1
            return b"$GENERATE 1-3 g%d-$ " % self.count + dice.choice(
                [b'MX "$ mail"', b"A 192.0.2.$", b"60 TXT \xc3\xbc$"])
        if depth == 2:
            return b"; $INCLUDE nothing"
        name = f"inc{len(self.files)}"
        used, self.files[name] = self.used, b""
        self.files[name] = self.text(dice.choice([0, 1, 3, 8]), depth + 1)
        self.used = used  # the owner is again that before it
        return b"$INCLUDE " + name.encode() + dice.choice(
            [b"", b" sub", b" @", b" ; comment", b" b+c", b" sub.example."])

    def text(self, lines, depth):
        dice, text = self.dice, b""
        for _ in range(lines):
            kind = dice.random()
            if kind < 0.75:
                line = self.record(True)
            elif kind < 0.9:
                line = self.directive(depth)
            else:
                line = dice.choice([b"", b"   ", b"; comment (\"", b"\t; comment", b" ( ; nothing\n )"])
            text += line + dice.choice([b"\n", b"\n", b"\n", b"\r\n", b" \n", b" ; comment\n"])
        # BIND wants a line feed behind directives and comments
        self.count += 1
        return text + (b"" if dice.random() < 0.9 else b"end%d A 192.0.2.1" % self.count)

