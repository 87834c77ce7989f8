# SPDX-License-Identifier: GPL-3.0-or-later
"""The rules that test_rules.py holds Volley to: zones, questions and answers, and messages, by section of an RFC."""
import struct
from collections import namedtuple

from questions import message, opt, tsig, wire_name

Rule = namedtuple("Rule", "section question response")
# `wanted` are further fields of the response; `rcode` None: there is none.
Message = namedtuple("Message", "section what message rcode wanted")

FORMERR, NXDOMAIN, NOTIMP, REFUSED, BADVERS = 1, 3, 4, 5, 16
AA, TC, RD, RA, Z, AD, CD = 0x0400, 0x0200, 0x0100, 0x0080, 0x0040, 0x0020, 0x0010

SOA = "@ 3600 SOA ns.{0} host.{0} 1 7200 3600 1209600 300\n"
DIGEST = "0" * 63
LONG = ".".join(["l" * 63] * 3)
# What y.s.s.nest.dname.example. leads through.
NEST = "\n".join(f"an {owner}.nest.dname.example. DNAME {target}nest.dname.example." for owner, target in
                 [("s", "a.l."), ("l", ""), ("a", "")]) + "\n" + "\n".join(
    f"an y.{first}nest.dname.example. CNAME y.{second}nest.dname.example." for first, second in
    [("s.s.", "s.a.l."), ("s.a.l.", "s.a."), ("s.a.", "s."), ("s.", "a.l."), ("a.l.", "a."), ("a.", "")]) + (
    "\nan y.nest.dname.example. A 192.0.2.13")
# What x.wide.dname.example. leads through, until the name gets too long.
WIDE = (f"an wide.dname.example. DNAME {LONG}.back.dname.example.\n"
        f"an x.wide.dname.example. CNAME x.{LONG}.back.dname.example.\n"
        "an back.dname.example. DNAME wide.dname.example.\n"
        f"an x.{LONG}.back.dname.example. CNAME x.{LONG}.wide.dname.example.")

HOST = "ad h.hosts.example. A 192.0.2.50\nad h.hosts.example. AAAA 2001:db8::50"

ZONES = {
    # RFC 4592 §2.2.1's zone, and what more is asked for here
    "example.": """$TTL 3600
@ SOA ns.example.com. host.example. 1 7200 3600 1209600 300
@ NS ns.example.com.
@ NS ns.example.net.
* TXT "this is a wildcard"
* MX 10 host1.example.
sub.* TXT "this is not a wildcard"
host1 A 192.0.2.1
_ssh._tcp.host1 SRV 0 5 22 host1
_ssh._tcp.host2 SRV 0 5 22 host1
subdel NS ns.example.com.
subdel NS ns.example.net.
""" + "".join(f'big TXT "{number:02}{"x" * 200}"\n' for number in range(10)) +
    "".join(f'middle TXT "{number:02}{"x" * 200}"\n' for number in range(4)),
    "wild.example.": "$TTL 3600\n" + SOA.format("wild.example.") + """@ NS ns
ns A 192.0.2.2
*.a A 192.0.2.3
*.a MX 10 ns
b.*.a TXT "below a wildcard"
*.*.c TXT "two asterisks"
x.*.d TXT "asterisk in the middle"
e.ent A 192.0.2.4
*.alias CNAME ns
*.lost CNAME nowhere.nothing
*.out CNAME www.elsewhere.invalid.
*.chain CNAME x.alias
*.self CNAME y.self
*.back CNAME *.back
*.cut.sub TXT "hidden"
cut.sub NS ns.elsewhere.invalid.
*.moved DNAME ns
""",
    "alias.example.": "$TTL 3600\n" + SOA.format("alias.example.") + f"""@ NS ns
ns A 192.0.2.5
one CNAME two
two CNAME three
three A 192.0.2.6
self CNAME self
ring1 CNAME ring2
ring2 CNAME ring1
lost CNAME nothing
todata CNAME three
out CNAME www.elsewhere.invalid.
cut NS ns.cut
ns.cut A 192.0.2.7
cut DS 1 8 2 {DIGEST}1
intocut CNAME www.cut
atcut CNAME cut
toempty CNAME empty
toapex CNAME @
x.empty A 192.0.2.8
""",
    "dname.example.": "$TTL 3600\n" + SOA.format("dname.example.") + f"""@ NS ns
ns A 192.0.2.9
frobozz DNAME target
frobozz MX 10 ns
a.target A 192.0.2.10
out DNAME elsewhere.invalid.
hop1 DNAME hop2
hop2 DNAME target
up.hop2 CNAME never
loop DNAME loop
grow DNAME a.grow
long DNAME {LONG}.target
shrink.deep DNAME deep
eq1 DNAME eq2
eq2 DNAME eq1
b.deep A 192.0.2.11
again CNAME shrink.shrink.deep
wide DNAME {LONG}.back
back DNAME wide
to.wider CNAME x.wide
s.nest DNAME a.l.nest
l.nest DNAME nest
a.nest DNAME nest
y.nest A 192.0.2.13
to.nest CNAME y.s.s.nest
tocut DNAME cut
cut NS ns.elsewhere.invalid.
via CNAME a.frobozz
""",
    "short.example.": "$TTL 3600\n" + SOA.format("short.example.") + """@ NS ns.elsewhere.invalid.
@ DNAME apexed.test.
@ A 192.0.2.12
""",
    "glue.example.": "$TTL 3600\n" + SOA.format("glue.example.") + f"""@ NS ns
ns A 192.0.2.20
ns AAAA 2001:db8::20
in NS ns.in
ns.in A 192.0.2.21
sibling NS ns.in
above NS ns
unglued NS ns.elsewhere.invalid.
secure NS ns.elsewhere.invalid.
secure DS 1 8 2 {DIGEST}2
www.in A 192.0.2.22
""" + "".join(f"many NS n{i}.many\nn{i}.many A 192.0.2.{100 + i}\nn{i}.many AAAA 2001:db8::{i}\n" for i in range(12)),
    "same.example.": "$TTL 3600\n" + SOA.format("same.example.") + """@ NS ns
@ NS NS
ns A 192.0.2.40
mx MX 10 ns
mx MX 10 Ns
alias CNAME elsewhere.invalid.
alias CNAME Elsewhere.invalid.
moved DNAME elsewhere.invalid.
moved DNAME Elsewhere.invalid.
0p9mhaveqvm6t7vbl5lop2u3t2rp3tom NSEC3 1 0 0 - 2t7b4g4vsa5smi47k61mv5bv1a22bojr A
0p9mhaveqvm6t7vbl5lop2u3t2rp3tom.w NSEC3 1 0 0 - 2t7b4g4vsa5smi47k61mv5bv1a22bojr A
*.w TXT "wild"
old 4294967295 A 192.0.2.41
""",
    "hosts.example.": "$TTL 3600\n" + SOA.format("hosts.example.") + """@ NS ns.wild
h A 192.0.2.50
h AAAA 2001:db8::50
h HTTPS 1 . alpn="h2"
*.wild A 192.0.2.51
srv SRV 0 0 53 h
mx MX 10 a.wild
naptr NAPTR 1 1 "A" "x" "" h
alias HTTPS 0 h
cut NS ns.cut
ns.cut A 192.0.2.52
below MX 10 ns.cut
""",
    # parent and child, both here
    "parent.example.": "$TTL 3600\n" + SOA.format("parent.example.") + f"""@ NS ns
ns A 192.0.2.30
child NS ns.child
ns.child A 192.0.2.31
child DS 1 8 2 {DIGEST}3
plain NS ns.child
""",
    "child.parent.example.": "$TTL 3600\n" + SOA.format("child.parent.example.") + """@ NS ns
ns A 192.0.2.31
www A 192.0.2.32
""",
}

RULES = [
    # ---- RFC 4592 §2.2.1: the table of questions to the example zone ----
    Rule("RFC 4592 §2.2.1", "host3.example. MX",
         "NOERROR AA\nan host3.example. MX 10 host1.example.\nad host1.example. A 192.0.2.1"),
    Rule("RFC 4592 §2.2.1", "host3.example. A", "NOERROR AA\nau example. SOA"),
    Rule("RFC 4592 §2.2.1", "foo.bar.example. TXT", 'NOERROR AA\nan foo.bar.example. TXT "this is a wildcard"'),
    Rule("RFC 4592 §2.2.1", "host1.example. MX", "NOERROR AA\nau example. SOA"),
    Rule("RFC 4592 §2.2.1", "sub.*.example. MX", "NOERROR AA\nau example. SOA"),
    Rule("RFC 4592 §2.2.1", "_telnet._tcp.host1.example. SRV", "NXDOMAIN AA\nau example. SOA"),
    Rule("RFC 4592 §2.2.1", "host.subdel.example. A",
         "NOERROR\nau subdel.example. NS ns.example.com.\nau subdel.example. NS ns.example.net."),
    Rule("RFC 4592 §2.2.1", "ghost.*.example. MX", "NXDOMAIN AA\nau example. SOA"),
    # ---- RFC 4592: wildcards ----
    Rule("RFC 4592 §2.1.1", "*.a.wild.example. A", "NOERROR AA\nan *.a.wild.example. A 192.0.2.3"),
    Rule("RFC 4592 §2.1.3", "w.x.*.d.wild.example. TXT", "NXDOMAIN AA\nau wild.example. SOA"),
    Rule("RFC 4592 §2.1.3", "x.*.d.wild.example. TXT",
         'NOERROR AA\nan x.*.d.wild.example. TXT "asterisk in the middle"'),
    Rule("RFC 4592 §2.1.3", "x.y.d.wild.example. TXT", "NOERROR AA\nau wild.example. SOA"),
    Rule("RFC 4592 §2.2.2", "ent.wild.example. A", "NOERROR AA\nau wild.example. SOA"),
    Rule("RFC 4592 §2.2.2", "x.ent.wild.example. A", "NXDOMAIN AA\nau wild.example. SOA"),
    Rule("RFC 4592 §2.2.3", "b.*.a.wild.example. TXT", 'NOERROR AA\nan b.*.a.wild.example. TXT "below a wildcard"'),
    Rule("RFC 4592 §2.2.3", "c.*.a.wild.example. A", "NXDOMAIN AA\nau wild.example. SOA"),
    Rule("RFC 4592 §3.3.1", "x.y.z.a.wild.example. A", "NOERROR AA\nan x.y.z.a.wild.example. A 192.0.2.3"),
    Rule("RFC 4592 §3.3.1", "x.y.z.a.wild.example. TXT", "NOERROR AA\nau wild.example. SOA"),
    Rule("RFC 4592 §3.3.1", "x.*.c.wild.example. TXT", 'NOERROR AA\nan x.*.c.wild.example. TXT "two asterisks"'),
    Rule("RFC 4592 §3.3.1", "x.y.c.wild.example. TXT", "NOERROR AA\nau wild.example. SOA"),
    Rule("RFC 4592 §4.2", "x.cut.sub.wild.example. TXT",
         "NOERROR\nau cut.sub.wild.example. NS ns.elsewhere.invalid."),
    Rule("RFC 4592 §4.3", "x.alias.wild.example. A",
         "NOERROR AA\nan x.alias.wild.example. CNAME ns.wild.example.\nan ns.wild.example. A 192.0.2.2"),
    Rule("RFC 4592 §4.3", "x.chain.wild.example. A",
         "NOERROR AA\nan x.chain.wild.example. CNAME x.alias.wild.example.\n"
         "an x.alias.wild.example. CNAME ns.wild.example.\nan ns.wild.example. A 192.0.2.2"),
    Rule("RFC 4592 §4.3", "x.alias.wild.example. CNAME", "NOERROR AA\nan x.alias.wild.example. CNAME ns.wild.example."),
    Rule("RFC 4592 §4.3", "x.lost.wild.example. A",
         "NXDOMAIN AA\nan x.lost.wild.example. CNAME nowhere.nothing.wild.example.\nau wild.example. SOA"),
    Rule("RFC 4592 §4.3", "x.out.wild.example. A",
         "NOERROR AA\nan x.out.wild.example. CNAME www.elsewhere.invalid."),
    Rule("RFC 1034 §4.3.2 3a", "x.back.wild.example. A",
         "NOERROR AA\nan x.back.wild.example. CNAME *.back.wild.example.\n"
         "an *.back.wild.example. CNAME *.back.wild.example."),
    Rule("RFC 1034 §4.3.2 3a", "*.back.wild.example. A",
         "NOERROR AA\nan *.back.wild.example. CNAME *.back.wild.example."),
    Rule("RFC 1034 §4.3.2 3a", "x.self.wild.example. A",
         "NOERROR AA\nan x.self.wild.example. CNAME y.self.wild.example.\n"
         "an y.self.wild.example. CNAME y.self.wild.example."),
    Rule("RFC 4592 §4.4", "x.moved.wild.example. DNAME", "NOERROR AA\nan x.moved.wild.example. DNAME ns.wild.example."),
    Rule("RFC 4592 §4.4", "x.moved.wild.example. A", "NOERROR AA\nau wild.example. SOA"),
    Rule("RFC 6672 §3.3", "x.*.moved.wild.example. A",
         "NXDOMAIN AA\nan *.moved.wild.example. DNAME ns.wild.example.\n"
         "an x.*.moved.wild.example. CNAME x.ns.wild.example.\nau wild.example. SOA"),
    # ---- RFC 1034 §4.3.2: aliases, negative answers ----
    Rule("RFC 1034 §4.3.2 3a", "one.alias.example. A",
         "NOERROR AA\nan one.alias.example. CNAME two.alias.example.\n"
         "an two.alias.example. CNAME three.alias.example.\nan three.alias.example. A 192.0.2.6"),
    Rule("RFC 1034 §4.3.2 3a", "one.alias.example. CNAME",
         "NOERROR AA\nan one.alias.example. CNAME two.alias.example."),
    Rule("RFC 1034 §3.6.2", "self.alias.example. A", "NOERROR AA\nan self.alias.example. CNAME self.alias.example."),
    Rule("RFC 1034 §3.6.2", "ring1.alias.example. A",
         "NOERROR AA\nan ring1.alias.example. CNAME ring2.alias.example.\n"
         "an ring2.alias.example. CNAME ring1.alias.example."),
    Rule("RFC 2308 §2.1", "lost.alias.example. A",
         "NXDOMAIN AA\nan lost.alias.example. CNAME nothing.alias.example.\nau alias.example. SOA"),
    Rule("RFC 2308 §2.1", "nothing.alias.example. A", "NXDOMAIN AA\nau alias.example. SOA"),
    Rule("RFC 2308 §2.2", "todata.alias.example. TXT",
         "NOERROR AA\nan todata.alias.example. CNAME three.alias.example.\nau alias.example. SOA"),
    Rule("RFC 2308 §2.2", "three.alias.example. TXT", "NOERROR AA\nau alias.example. SOA"),
    Rule("RFC 2308 §2.2", "toempty.alias.example. A",
         "NOERROR AA\nan toempty.alias.example. CNAME empty.alias.example.\nau alias.example. SOA"),
    Rule("RFC 1034 §4.3.2 3a", "out.alias.example. A",
         "NOERROR AA\nan out.alias.example. CNAME www.elsewhere.invalid."),
    Rule("RFC 1034 §4.3.2 3b", "intocut.alias.example. A",
         "NOERROR AA\nan intocut.alias.example. CNAME www.cut.alias.example.\n"
         "au cut.alias.example. NS ns.cut.alias.example.\nad ns.cut.alias.example. A 192.0.2.7"),
    Rule("RFC 4035 §3.1.4.1", "atcut.alias.example. DS",
         "NOERROR AA\nan atcut.alias.example. CNAME cut.alias.example.\n"
         f"an cut.alias.example. DS 1 8 2 {DIGEST}1"),
    Rule("RFC 1034 §4.3.2 6", "alias.example. NS",
         "NOERROR AA\nan alias.example. NS ns.alias.example.\nad ns.alias.example. A 192.0.2.5"),
    Rule("RFC 1034 §4.3.2 6", "toapex.alias.example. NS",
         "NOERROR AA\nan toapex.alias.example. CNAME alias.example.\nan alias.example. NS ns.alias.example.\n"
         "ad ns.alias.example. A 192.0.2.5"),
    Rule("RFC 1034 §4.3.2 2", "no.zone.invalid. A", "REFUSED"),
    # ---- RFC 6672: DNAME ----
    Rule("RFC 6672 §3.2", "a.frobozz.dname.example. A",
         "NOERROR AA\nan frobozz.dname.example. DNAME target.dname.example.\n"
         "an a.frobozz.dname.example. CNAME a.target.dname.example.\nan a.target.dname.example. A 192.0.2.10"),
    Rule("RFC 6672 §2.3", "frobozz.dname.example. MX",
         "NOERROR AA\nan frobozz.dname.example. MX 10 ns.dname.example.\nad ns.dname.example. A 192.0.2.9"),
    Rule("RFC 6672 §2.3", "frobozz.dname.example. DNAME",
         "NOERROR AA\nan frobozz.dname.example. DNAME target.dname.example."),
    Rule("RFC 6672 §2.3", "frobozz.dname.example. A", "NOERROR AA\nau dname.example. SOA"),
    Rule("RFC 6672 §3.2", "b.frobozz.dname.example. A",
         "NXDOMAIN AA\nan frobozz.dname.example. DNAME target.dname.example.\n"
         "an b.frobozz.dname.example. CNAME b.target.dname.example.\nau dname.example. SOA"),
    Rule("RFC 6672 §3.2", "a.frobozz.dname.example. CNAME",
         "NOERROR AA\nan frobozz.dname.example. DNAME target.dname.example.\n"
         "an a.frobozz.dname.example. CNAME a.target.dname.example."),
    Rule("RFC 6672 §3.2", "x.y.out.dname.example. A",
         "NOERROR AA\nan out.dname.example. DNAME elsewhere.invalid.\n"
         "an x.y.out.dname.example. CNAME x.y.elsewhere.invalid."),
    Rule("RFC 6672 §2.4", "up.hop2.dname.example. CNAME",
         "NOERROR AA\nan hop2.dname.example. DNAME target.dname.example.\n"
         "an up.hop2.dname.example. CNAME up.target.dname.example."),
    Rule("RFC 6672 §3.2", "a.hop1.dname.example. A",
         "NOERROR AA\nan hop1.dname.example. DNAME hop2.dname.example.\n"
         "an a.hop1.dname.example. CNAME a.hop2.dname.example.\n"
         "an hop2.dname.example. DNAME target.dname.example.\n"
         "an a.hop2.dname.example. CNAME a.target.dname.example.\nan a.target.dname.example. A 192.0.2.10"),
    Rule("RFC 6672 §2.2", "x.loop.dname.example. A",
         "NOERROR AA\nan loop.dname.example. DNAME loop.dname.example.\n"
         "an x.loop.dname.example. CNAME x.loop.dname.example."),
    Rule("RFC 6672 §2.2", "x.grow.dname.example. A",
         "NOERROR AA\nan grow.dname.example. DNAME a.grow.dname.example.\n"
         "an x.grow.dname.example. CNAME x.a.grow.dname.example."),
    Rule("RFC 6672 §2.2", "b.shrink.shrink.deep.dname.example. A",
         "NOERROR AA\nan shrink.deep.dname.example. DNAME deep.dname.example.\n"
         "an b.shrink.shrink.deep.dname.example. CNAME b.shrink.deep.dname.example.\n"
         "an b.shrink.deep.dname.example. CNAME b.deep.dname.example.\nan b.deep.dname.example. A 192.0.2.11"),
    # it comes by the longer target twice, and gets shorter all the same
    Rule("RFC 6672 §2.2", "y.s.s.nest.dname.example. A", "NOERROR AA\n" + NEST),
    Rule("RFC 6672 §2.2", "to.nest.dname.example. A",
         "NOERROR AA\nan to.nest.dname.example. CNAME y.s.s.nest.dname.example.\n" + NEST),
    Rule("RFC 6672 §2.2", "x.eq1.dname.example. A",
         "NOERROR AA\nan eq1.dname.example. DNAME eq2.dname.example.\n"
         "an x.eq1.dname.example. CNAME x.eq2.dname.example.\n"
         "an eq2.dname.example. DNAME eq1.dname.example.\nan x.eq2.dname.example. CNAME x.eq1.dname.example."),
    Rule("RFC 2181 §5", "shrink.shrink.deep.dname.example. DNAME",
         "NOERROR AA\nan shrink.deep.dname.example. DNAME deep.dname.example.\n"
         "an shrink.shrink.deep.dname.example. CNAME shrink.deep.dname.example."),
    Rule("RFC 2181 §5", "again.dname.example. DNAME",
         "NOERROR AA\nan again.dname.example. CNAME shrink.shrink.deep.dname.example.\n"
         "an shrink.deep.dname.example. DNAME deep.dname.example.\n"
         "an shrink.shrink.deep.dname.example. CNAME shrink.deep.dname.example."),
    Rule("RFC 6672 §2.2", "x.wide.dname.example. A", "YXDOMAIN AA\n" + WIDE),
    Rule("RFC 6672 §2.2", "to.wider.dname.example. A",
         "YXDOMAIN AA\nan to.wider.dname.example. CNAME x.wide.dname.example.\n" + WIDE),
    Rule("RFC 6672 §2.2", f"{'x' * 40}.long.dname.example. A",
         f"NXDOMAIN AA\nan long.dname.example. DNAME {LONG}.target.dname.example.\n"
         f"an {'x' * 40}.long.dname.example. CNAME {'x' * 40}.{LONG}.target.dname.example.\nau dname.example. SOA"),
    Rule("RFC 6672 §2.2", f"{'x' * 41}.long.dname.example. A",
         f"YXDOMAIN AA\nan long.dname.example. DNAME {LONG}.target.dname.example."),
    Rule("RFC 6672 §3.2", "x.tocut.dname.example. A",
         "NOERROR AA\nan tocut.dname.example. DNAME cut.dname.example.\n"
         "an x.tocut.dname.example. CNAME x.cut.dname.example.\nau cut.dname.example. NS ns.elsewhere.invalid."),
    Rule("RFC 6672 §3.2", "via.dname.example. A",
         "NOERROR AA\nan via.dname.example. CNAME a.frobozz.dname.example.\n"
         "an frobozz.dname.example. DNAME target.dname.example.\n"
         "an a.frobozz.dname.example. CNAME a.target.dname.example.\nan a.target.dname.example. A 192.0.2.10"),
    Rule("RFC 6672 §2.3", "short.example. A", "NOERROR AA\nan short.example. A 192.0.2.12"),
    Rule("RFC 6672 §2.3", "www.short.example. A",
         "NOERROR AA\nan short.example. DNAME apexed.test.\nan www.short.example. CNAME www.apexed.test."),
    # ---- delegations: RFC 1034 §4.3.2 3b, RFC 9471, RFC 4035 §3.1.4.1 ----
    Rule("RFC 9471 §2.1", "www.in.glue.example. A",
         "NOERROR\nau in.glue.example. NS ns.in.glue.example.\nad ns.in.glue.example. A 192.0.2.21"),
    Rule("RFC 1034 §4.3.2 3b", "in.glue.example. NS",
         "NOERROR\nau in.glue.example. NS ns.in.glue.example.\nad ns.in.glue.example. A 192.0.2.21"),
    Rule("RFC 1034 §4.2.1", "ns.in.glue.example. A",
         "NOERROR\nau in.glue.example. NS ns.in.glue.example.\nad ns.in.glue.example. A 192.0.2.21"),
    Rule("RFC 9471 §2.2", "www.sibling.glue.example. A",
         "NOERROR\nau sibling.glue.example. NS ns.in.glue.example.\nad ns.in.glue.example. A 192.0.2.21"),
    Rule("RFC 1034 §4.3.2 3b", "www.above.glue.example. A",
         "NOERROR\nau above.glue.example. NS ns.glue.example.\n"
         "ad ns.glue.example. A 192.0.2.20\nad ns.glue.example. AAAA 2001:db8::20"),
    Rule("RFC 1034 §4.3.2 3b", "unglued.glue.example. A", "NOERROR\nau unglued.glue.example. NS ns.elsewhere.invalid."),
    Rule("RFC 4035 §3.1.4.1", "secure.glue.example. DS",
         f"NOERROR AA\nan secure.glue.example. DS 1 8 2 {DIGEST}2"),
    Rule("RFC 4035 §3.1.4.1", "in.glue.example. DS", "NOERROR AA\nau glue.example. SOA"),
    Rule("RFC 1034 §4.3.2 3b", "x.secure.glue.example. DS",
         "NOERROR\nau secure.glue.example. NS ns.elsewhere.invalid."),
    # ---- parent and child zone, both served here ----
    Rule("RFC 1034 §4.3.2 2", "www.child.parent.example. A", "NOERROR AA\nan www.child.parent.example. A 192.0.2.32"),
    Rule("RFC 1034 §4.3.2 2", "child.parent.example. NS",
         "NOERROR AA\nan child.parent.example. NS ns.child.parent.example.\nad ns.child.parent.example. A 192.0.2.31"),
    Rule("RFC 1034 §4.3.2 2", "none.child.parent.example. A", "NXDOMAIN AA\nau child.parent.example. SOA"),
    Rule("RFC 4035 §3.1.4.1", "child.parent.example. DS",
         f"NOERROR AA\nan child.parent.example. DS 1 8 2 {DIGEST}3"),
    Rule("RFC 4035 §3.1.4.1", "parent.example. DS", 'NOERROR AA\nau example. SOA'),
    Rule("RFC 4035 §3.1.4.1", "example. DS", "NOERROR AA\nau example. SOA"),
    # ---- records that are the same, names that exist for NSEC3 alone ----
    Rule("RFC 2181 §5", "same.example. NS", "NOERROR AA\nan same.example. NS ns.same.example.\n"
         "ad ns.same.example. A 192.0.2.40"),
    Rule("RFC 4034 §6.3", "mx.same.example. MX", "NOERROR AA\nan mx.same.example. MX 10 ns.same.example.\n"
         "ad ns.same.example. A 192.0.2.40"),
    Rule("RFC 4034 §6.3", "alias.same.example. CNAME",
         "NOERROR AA\nan alias.same.example. CNAME elsewhere.invalid."),
    Rule("RFC 4034 §6.3", "moved.same.example. DNAME",
         "NOERROR AA\nan moved.same.example. DNAME elsewhere.invalid."),
    Rule("RFC 5155 §7.2.8", "0p9mhaveqvm6t7vbl5lop2u3t2rp3tom.same.example. A", "NXDOMAIN AA\nau same.example. SOA"),
    Rule("RFC 5155 §7.2.8", "0p9mhaveqvm6t7vbl5lop2u3t2rp3tom.same.example. NSEC3",
         "NXDOMAIN AA\nau same.example. SOA"),
    Rule("RFC 5155 §7.2.8", "0p9mhaveqvm6t7vbl5lop2u3t2rp3tom.w.same.example. TXT",
         'NOERROR AA\nan 0p9mhaveqvm6t7vbl5lop2u3t2rp3tom.w.same.example. TXT "wild"'),
    # ---- what comes with an answer ----
    Rule("RFC 1034 §4.3.2 6", "hosts.example. NS",
         "NOERROR AA\nan hosts.example. NS ns.wild.hosts.example.\nad ns.wild.hosts.example. A 192.0.2.51"),
    Rule("RFC 1035 §3.3.9", "mx.hosts.example. MX",
         "NOERROR AA\nan mx.hosts.example. MX 10 a.wild.hosts.example.\nad a.wild.hosts.example. A 192.0.2.51"),
    Rule("RFC 2782", "srv.hosts.example. SRV",
         "NOERROR AA\nan srv.hosts.example. SRV 0 0 53 h.hosts.example.\n" + HOST),
    Rule("RFC 3404 §4.3", "naptr.hosts.example. NAPTR",
         'NOERROR AA\nan naptr.hosts.example. NAPTR 1 1 "A" "x" "" h.hosts.example.\n' + HOST),
    Rule("RFC 9460 §4.1", "alias.hosts.example. HTTPS",
         "NOERROR AA\nan alias.hosts.example. HTTPS 0 h.hosts.example.\n" + HOST +
         '\nad h.hosts.example. HTTPS 1 . alpn="h2"'),
    Rule("RFC 9460 §4.1", "h.hosts.example. HTTPS",
         'NOERROR AA\nan h.hosts.example. HTTPS 1 . alpn="h2"\n' + HOST),
    Rule("RFC 1034 §4.2.1", "below.hosts.example. MX",
         "NOERROR AA\nan below.hosts.example. MX 10 ns.cut.hosts.example."),
    # ---- types that are no data ----
    Rule("RFC 8482 §4.1", "host1.example. ANY", "NOERROR AA\nan host1.example. A 192.0.2.1"),
    Rule("RFC 8482 §4.1", "one.alias.example. ANY", "NOERROR AA\nan one.alias.example. CNAME two.alias.example."),
    Rule("RFC 2308 §2.2", "host1.example. RRSIG", "NOERROR AA\nau example. SOA"),
    Rule("RFC 3597 §5", "host1.example. TYPE65280", "NOERROR AA\nau example. SOA"),
    Rule("RFC 8906 §3.1.2", "host1.example. TYPE253", "NOERROR AA\nau example. SOA"),
]

HOST1, NOTHING = wire_name("host1.example."), wire_name("nothing.example.")


def raw(counts, rest, flags=0):
    return struct.pack("!6H", 0x5353, flags, *counts) + rest


def edns(payload=1232, **options):
    """A question for host1.example. A with this OPT."""
    return message(HOST1, 1, tail=opt(payload, **options), arcount=1)


ASKED = HOST1 + struct.pack("!2H", 1, 1)
RECORD = HOST1 + struct.pack("!HHIH", 1, 1, 60, 4) + b"\xc0\0\2\1"

MESSAGES = [
    # ---- the header ----
    Message("RFC 1035 §4.1.1", "a plain question", raw((1, 0, 0, 0), ASKED), 0,
            {"flags": AA, "questions": 1, "answers": True, "opts": 0}),
    Message("RFC 1035 §4.1.1", "RD comes back", raw((1, 0, 0, 0), ASKED, RD), 0, {"flags": AA | RD}),
    Message("RFC 4035 §3.1.6", "CD comes back", raw((1, 0, 0, 0), ASKED, CD), 0, {"flags": AA | CD}),
    Message("RFC 4035 §3.1.6", "AD does not", raw((1, 0, 0, 0), ASKED, AD), 0, {"flags": AA}),
    Message("RFC 6840 §5.8", "AD does not with DO", edns(flags=0x8000)[:2] + struct.pack("!H", AD) +
            edns(flags=0x8000)[4:], 0, {"flags": AA}),
    Message("RFC 1035 §4.1.1", "Z is ignored and cleared", raw((1, 0, 0, 0), ASKED, Z), 0, {"flags": AA}),
    Message("RFC 1035 §4.1.1", "RA is ignored and cleared", raw((1, 0, 0, 0), ASKED, RA), 0, {"flags": AA}),
    Message("RFC 1035 §4.1.1", "TC and AA of a query are ignored", raw((1, 0, 0, 0), ASKED, TC | AA), 0, {"flags": AA}),
    Message("RFC 1035 §4.1.1", "a response is not answered", raw((1, 0, 0, 0), ASKED, 0x8000), None, {}),
    Message("RFC 1035 §4.1.1", "less than a header is not answered", raw((1, 0, 0, 0), b"")[:11], None, {}),
    Message("RFC 8906 §3.1.4", "an unknown opcode", raw((1, 0, 0, 0), ASKED, 15 << 11), NOTIMP,
            {"opcode": 15, "flags": 0, "answers": False}),
    Message("RFC 3425 §3", "opcode IQUERY", raw((0, 1, 0, 0), RECORD, 1 << 11), NOTIMP, {"opcode": 1}),
    Message("RFC 8906 §3.1.4", "opcode UPDATE", raw((1, 0, 0, 0), ASKED, 5 << 11), NOTIMP, {"opcode": 5}),
    # ---- the question ----
    Message("RFC 9619 §4", "no question", raw((0, 0, 0, 0), b""), FORMERR, {"questions": 0}),
    Message("RFC 9619 §4", "two questions", raw((2, 0, 0, 0), ASKED + ASKED), FORMERR, {"questions": 0}),
    Message("RFC 1035 §4.1.4", "a name that points to itself", raw((1, 0, 0, 0), b"\xc0\x0c\0\1\0\1"), FORMERR, {}),
    Message("RFC 1035 §2.3.4", "a name of 256 octets",
            raw((1, 0, 0, 0), (b"\x3f" + b"x" * 63) * 3 + b"\x3e" + b"x" * 62 + b"\0\0\1\0\1"), FORMERR, {}),
    Message("RFC 1035 §2.3.4", "a name of 255 octets",
            raw((1, 0, 0, 0), (b"\x3f" + b"x" * 63) * 3 + b"\x35" + b"x" * 53 + b"\7example\0\0\x10\0\1"), 0,
            {"questions": 1, "answers": True}),
    Message("RFC 6891 §5", "an extended label type", raw((1, 0, 0, 0), b"\x41a\0\0\1\0\1"), FORMERR, {}),
    Message("RFC 1035 §4.1.2", "a question cut off", raw((1, 0, 0, 0), ASKED[:-1]), FORMERR, {}),
    Message("RFC 1035 §4.1.1", "an answer in a query", raw((1, 1, 0, 0), ASKED + RECORD), FORMERR, {"questions": 1}),
    Message("RFC 1035 §4.1.1", "a record of the authority section in a query", raw((1, 0, 1, 0), ASKED + RECORD),
            FORMERR, {"questions": 1}),
    Message("RFC 1035 §4.1.1", "an answer cut off in a query", raw((1, 1, 0, 0), (ASKED + RECORD)[:-1]), FORMERR,
            {"questions": 1}),
    Message("RFC 1035 §4.2.1", "octets behind the question", raw((1, 0, 0, 0), ASKED + b"xyz"), 0, {"answers": True}),
    Message("RFC 1035 §3.2.4", "class HS", raw((1, 0, 0, 0), HOST1 + b"\0\1\0\4"), REFUSED, {"questions": 1}),
    Message("RFC 5936 §4.2", "AXFR over UDP", raw((1, 0, 0, 0), wire_name("example.") + b"\0\xfc\0\1"), REFUSED, {}),
    Message("RFC 1995 §2", "IXFR over UDP gets the SOA",
            raw((1, 0, 1, 0), wire_name("example.") + b"\0\xfb\0\1\xc0\x0c\0\6\0\1" + bytes(5) + b"\x16" + bytes(22)),
            0, {"questions": 1, "opts": 0, "answers": True}),
    # ---- TSIG ----
    Message("RFC 8945 §5.1", "TSIG that is not the last record",
            raw((1, 0, 0, 2), ASKED + tsig(b"\3key\0", b"m" * 32) + RECORD), FORMERR, {"questions": 1}),
    Message("RFC 8945 §5.1", "two TSIG records", raw((1, 0, 0, 2), ASKED + 2 * tsig(b"\3key\0", b"m" * 32)), FORMERR,
            {"questions": 1}),
    Message("RFC 8945 §4.2", "TSIG that ends too early",
            raw((1, 0, 0, 1), ASKED + tsig(b"\3key\0", b"m" * 32, b"\0\0\0")), FORMERR, {"questions": 1}),
    # ---- EDNS ----
    Message("RFC 6891 §6.1.1", "OPT comes with OPT", edns(), 0,
            {"opts": 1, "version": 0, "payload": 1232, "edns_flags": 0}),
    Message("RFC 6891 §6.1.1", "OPT comes with REFUSED",
            message(wire_name("no.zone.invalid."), 1, tail=opt(1232), arcount=1), REFUSED, {"opts": 1}),
    Message("RFC 6891 §6.1.1", "OPT comes with NXDOMAIN",
            message(wire_name("x._tcp.host1.example."), 1, tail=opt(1232), arcount=1), NXDOMAIN, {"opts": 1}),
    Message("RFC 6891 §6.1.1", "OPT comes with NOTIMP", raw((1, 0, 0, 1), ASKED + opt(1232), 2 << 11), NOTIMP,
            {"opcode": 2, "opts": 1}),
    Message("RFC 6891 §6.1.1", "OPT comes with NOTIMP to an UPDATE", raw((1, 1, 1, 1), ASKED + 2 * RECORD + opt(1232),
                                                                         5 << 11), NOTIMP, {"opts": 1}),
    Message("RFC 6891 §6.1.1", "OPT comes with FORMERR to no question", raw((0, 0, 0, 1), opt(1232)), FORMERR,
            {"questions": 0, "opts": 1}),
    Message("RFC 6891 §6.1.1", "OPT comes with FORMERR to two questions", raw((2, 0, 0, 1), 2 * ASKED + opt(1232)),
            FORMERR, {"questions": 0, "opts": 1}),
    Message("RFC 6891 §6.1.1", "two OPTs", raw((1, 0, 0, 2), ASKED + opt(1232) + opt(1232)), FORMERR, {}),
    Message("RFC 6891 §6.1.2", "OPT not at the root", raw((1, 0, 0, 1), ASKED + b"\1a" + opt(1232)), FORMERR, {}),
    Message("RFC 6891 §6.1.3", "EDNS version 1", edns(version=1), BADVERS,
            {"opts": 1, "version": 0, "answers": False}),
    Message("RFC 8906 §3.2.2", "EDNS version 255 with DO", edns(version=255, flags=0x8000), BADVERS,
            {"opts": 1, "version": 0}),
    Message("RFC 8906 §3.2.3", "an unknown option is ignored", edns(options=b"\xfd\xe9\0\2ab"), 0,
            {"opts": 1, "answers": True}),
    Message("RFC 8906 §3.2.4", "unknown flags are cleared", edns(flags=0x4001), 0, {"edns_flags": 0}),
    Message("RFC 3225 §3", "DO comes back", edns(flags=0x8000), 0, {"edns_flags": 0x8000}),
    Message("RFC 6891 §6.1.2", "an option longer than the OPT", edns(options=b"\xfd\xe9\0\2a"), FORMERR, {}),
    Message("RFC 6891 §6.1.2", "an OPT cut off", edns()[:-1], FORMERR, {}),
    Message("RFC 6891 §6.1.1", "an OPT behind another record", raw((1, 0, 0, 2), ASKED + RECORD + opt(1232)), 0,
            {"opts": 1, "answers": True}),
    Message("RFC 8906 §3.2.5", "truncated with EDNS", message(wire_name("big.example."), 16, tail=opt(512), arcount=1),
            0, {"flags": AA | TC, "opts": 1}),
    Message("RFC 2181 §9", "truncated without EDNS", message(wire_name("big.example."), 16), 0,
            {"flags": AA | TC, "opts": 0, "questions": 1}),
]
