# SPDX-License-Identifier: GPL-3.0-or-later
"""The accepted differences between Volley and its peers: one row each, and the only ones.

A row's rule gets a Case and takes away from both answers what the row forgives, nothing else; what is then still
different is no accepted difference. differences.md shows the rows to people:

    differences.py > differences.md
"""
from collections import namedtuple

import questions
from lookup import Family, suffixes
from answers import AA, OPT, RCODE, TC, Answer, same

NS, CNAME, MX, SRV, DNAME, DS, TSIG, ANY = 2, 5, 15, 33, 39, 43, 250, 255
EDE, NSID = 15, 3
ALL = ("nsd", "knot", "bind")
PEER_NAMES = {"nsd": "NSD", "knot": "Knot", "bind": "BIND"}
ADDRESSES = {1: "A", 28: "AAAA"}
FORMERR, NXDOMAIN, NOTIMP, REFUSED, YXDOMAIN, NOTAUTH = 1, 3, 4, 5, 6, 9
ANSWERED = (0, NXDOMAIN, REFUSED, YXDOMAIN)

# `whole(name)` asks a server again where nothing is cut off, over TCP or with more room; `zones` are the family's.
Case = namedtuple("Case", "peer question zones ours theirs whole")
Row = namedtuple("Row", "name peers what section why rule")

ROWS = []


def row(peers, what, section, why):
    """Puts a rule into the table; its name is the row's."""
    def add(rule):
        ROWS.append(Row(rule.__name__.replace("_", "-"), peers, what, section, why, rule))
        return rule
    return add


def both(case, change):
    return case._replace(ours=change(case.ours), theirs=change(case.theirs))


def rcode(answer):
    return answer.flags & RCODE


def is_answer(case):
    return isinstance(case.ours, Answer) and isinstance(case.theirs, Answer)


def without_options(answer, *codes):
    if not isinstance(answer, Answer) or answer.opt is None:
        return answer
    kept = tuple(option for option in answer.opt[5] if option[0] not in codes)
    return answer._replace(opt=answer.opt[:5] + (kept,))


def explain(case, rows):
    """The names of the rows that explain all that differs; None when some of it is left."""
    used = []
    for candidate in rows:
        if same(case.ours, case.theirs):
            return used
        if case.peer not in candidate.peers:
            continue
        changed = candidate.rule(case)
        if changed is not None and (changed.ours, changed.theirs) != (case.ours, case.theirs):
            used.append(candidate.name)
            case = changed
    return used if same(case.ours, case.theirs) else None


def agreed(case):
    """Both answers made equal: what the rule saw is all that differs, or nothing else matters."""
    return case._replace(theirs=case.ours)


@row(ALL, "Peers send Extended DNS Errors", "RFC 8914 §2", "a server may send them or not")
def extended_error(case):
    return both(case, lambda answer: without_options(answer, EDE))


@row(("nsd", "knot"), "The CD bit comes back cleared", "RFC 4035 §3.1.6", "a server copies the bit into the response")
def cd_bit(case):
    if is_answer(case) and case.question.message[3] & questions.CD and not case.theirs.flags & questions.CD:
        return case._replace(theirs=case.theirs._replace(flags=case.theirs.flags | questions.CD))
    return None


@row(ALL, "Sections of a response with TC=1 hold what fits of them, ours nothing", "RFC 2181 §9",
     "a client ignores them and asks again over TCP; the RCODE may be another when the chain is cut off")
def truncated(case):
    if is_answer(case) and case.ours.flags & case.theirs.flags & TC:
        cut = case
        if rcode(case.theirs) in (0, NXDOMAIN, YXDOMAIN):
            cut = case._replace(theirs=case.theirs._replace(flags=case.theirs.flags & ~RCODE | rcode(case.ours)))
        return both(cut, lambda answer: answer._replace(answer=(), authority=(), additional=()))
    return None


@row(("bind",), "AD is clear in every response", "RFC 4035 §3.1.6", "BIND copies the bit from a query into some "
     "responses with TC=1")
def ad_bit(case):
    if is_answer(case) and case.theirs.flags & TC:
        return case._replace(theirs=case.theirs._replace(flags=case.theirs.flags & ~questions.AD))
    return None


@row(("knot",), "A DNAME at a wildcard keeps its owner in the answer", "RFC 6672 §3.3",
     "it is found as the closest encloser, not through the wildcard; Knot writes the name looked for over it, and may "
     "then go on from another one")
def wildcard_dname(case):
    if not is_answer(case):
        return None
    family = Family(case.zones)
    over = {(owner, target) for owner, rrtype, _, _, target in case.theirs.answer if rrtype == DNAME and
            all(zone.target(owner, "DNAME") != target for zone in family.zones)}
    over -= {(record[0], record[4]) for record in case.ours.answer}
    return agreed(case) if over else None


# ---- what is asked for ----

@row(ALL, "ANY is answered with one RRset", "RFC 8482 §4.1",
     "Knot does as we do, NSD may choose another one, BIND sends all of them")
def any_type(case):
    if not is_answer(case) or case.question.qtype != ANY or not case.ours.answer:
        return None
    first = case.ours.answer[0][:2]
    chosen = tuple(record for record in case.theirs.answer if record[:2] == first)
    if chosen == case.ours.answer:
        return both(case, lambda answer: answer._replace(answer=chosen))
    if case.peer == "nsd" and not chosen and len({record[:2] for record in case.theirs.answer}) == 1:
        return both(case, lambda answer: answer._replace(answer=()))
    return None


@row(("nsd", "knot"), "ANY below a DNAME is answered with DNAME and CNAME; the CNAME is not followed",
     "RFC 1034 §4.3.2 3a, RFC 8482 §4.1", "ANY matches the CNAME, as it does at a CNAME in the zone")
def any_below_dname(case):
    if (is_answer(case) and case.question.qtype == ANY and rcode(case.ours) == 0 and case.ours.answer and
            any(record[1] == DNAME for record in case.ours.answer) and
            set(case.ours.answer) <= set(case.theirs.answer)):
        return agreed(case)
    return None


@row(("knot", "bind"), "Meta types and type 0 are types that no name has", "RFC 8906 §3.1.2",
     "BIND says FORMERR or NOTIMP, Knot NOTIMP to type 0; NSD answers as we do")
def meta_type(case):
    if is_answer(case) and (case.question.qtype in (0, OPT) or 128 <= case.question.qtype < ANY) and (
            rcode(case.theirs) in (FORMERR, NOTIMP)) and rcode(case.ours) in (0, NXDOMAIN, YXDOMAIN, REFUSED):
        return agreed(case)
    return None


@row(("knot", "bind"), "A CNAME answers for types RRSIG and NSEC, too, when the name has none", "RFC 1034 §4.3.2 3a",
     "as in NSD; Knot and BIND answer NODATA, since these may stand beside a CNAME (RFC 4034 §3, §4)")
def alias_without_rrsig(case):
    more = set(case.ours.answer) - set(case.theirs.answer) if is_answer(case) else ()
    if more and case.question.qtype in (46, 47) and rcode(case.theirs) == 0 and (
            all(record[1] in (CNAME, DNAME) for record in more)):
        return agreed(case)
    return None


@row(("nsd",), "NS at a wildcard delegates: its name is in the authority section", "RFC 4592 §4.2",
     "left undefined there; Knot does the same, NSD takes it for data, BIND refuses the zone")
def wildcard_ns(case):
    if is_answer(case) and any(
            record[1] == NS and record[0][:2] == b"\1*" for record in case.ours.authority):
        return agreed(case)
    return None


@row(("nsd",), "An alias answers for type NSEC3, too", "RFC 1034 §4.3.2 3a",
     "as in Knot and BIND; NSD answers NODATA for it whatever the name has, even an alias")
def nsec3_type(case):
    if is_answer(case) and case.question.qtype == 50 and rcode(case.theirs) == 0 and (
            set(case.theirs.answer) < set(case.ours.answer)):
        return agreed(case)
    return None


@row(("nsd",), "A name that owns NSEC3 alone exists if, and only if, a name below it does",
     "RFC 5155 §7.2.8, RFC 4592 §2.2.2",
     "as in Knot and BIND; NSD finds no wildcard for names below one, and NXDOMAIN where it is an empty non-terminal")
def below_nsec3(case):
    if not is_answer(case):
        return None
    family, name = asked(case)
    hashed = {owner for zone in family.zones for owner, found in zone.records.items() if list(found) == ["NSEC3"]}
    if any(set(suffixes(passed)) & hashed for passed in family.chain(name) if passed):
        return agreed(case)
    return None


@row(ALL, "Classes but IN are refused", "RFC 1035 §3.2.4",
     "all differ: NSD leaves the question out and answers class ANY without AA, Knot answers class ANY as IN, "
     "BIND says FORMERR or NOTAUTH")
def other_class(case):
    if is_answer(case) and case.question.qclass != 1 and rcode(case.ours) == REFUSED:
        return agreed(case)
    return None


# ---- what is in the additional section ----

def required_glue(answer):
    """The additional section without addresses that may be left out: those of servers outside the delegated domain."""
    cuts = [] if answer.flags & AA and not answer.answer else [
        record[0] for record in answer.authority if record[1] == NS]
    return tuple(record for record in answer.additional if any(record[0].endswith(cut) for cut in cuts))


def is_below_cut(case, name):
    return any("NS" in zone.records.get(suffix, ()) and suffix != zone.origin
               for zone in Family(case.zones).zones for suffix in suffixes(name))


@row(ALL, "Addresses of the hosts that records name are added, when they fit", "RFC 1034 §4.3.2 6, RFC 9460 §4.1",
     "they are not required: NSD and BIND are told to add none but those of name servers; Knot adds none for NAPTR, KX "
     "and AFSDB, nor for HTTPS and SVCB but behind aliases, and adds those that the zone has below a cut")
def optional_address(case):
    if not is_answer(case) or case.ours.additional == case.theirs.additional:
        return None
    # where Knot adds as we do, and there is room, all must be the same
    if case.peer == "knot" and case.question.tcp and case.question.qtype in (NS, MX, SRV):
        more, less = set(case.ours.additional), set(case.theirs.additional)
        if more - less or not all(is_below_cut(case, record[0]) for record in less - more):
            return None
    return both(case, lambda answer: answer._replace(additional=required_glue(answer)))


@row(("nsd", "knot"), "Wildcards below a cut give no glue", "RFC 4592 §4.2, RFC 9471 §2.1",
     "glue is what the zone holds at the server's name; BIND leaves it out, too")
def wildcard_glue(case):
    if not is_answer(case) or not set(case.ours.additional) < set(case.theirs.additional):
        return None
    family = Family(case.zones)
    kept = tuple(record for record in case.theirs.additional if record[1] not in ADDRESSES or
                 any(ADDRESSES[record[1]] in zone.records.get(record[0], ()) for zone in family.zones))
    return case._replace(theirs=case.theirs._replace(additional=kept))


# ---- where aliases lead ----

def asked(case):
    return Family(case.zones), case.question.name


@row(ALL, "An alias that comes up again ends the answer, with NOERROR", "RFC 1034 §3.6.2, RFC 6672 §2.2",
     "nothing says how far a server follows a loop: NSD and Knot go round some times, BIND says SERVFAIL after 11 hops "
     "or YXDOMAIN when the name grows too long; ours are the first records of theirs")
def loop_or_long_chain(case):
    if not is_answer(case):
        return None
    family, name = asked(case)
    first, second = set(case.ours.answer), set(case.theirs.answer)
    is_long = family.is_long(name, case.question.qtype == DS)
    if is_long and (case.theirs.flags & TC or first <= second or second <= first):
        return agreed(case)
    return None


@row(("knot",), "No record is twice in a section", "RFC 2181 §5",
     "as in NSD and BIND; Knot repeats a DNAME that is asked for and passed through")
def repeated_record(case):
    if is_answer(case) and len(case.theirs.answer) > len(set(case.theirs.answer)):
        return case._replace(theirs=case.theirs._replace(answer=tuple(sorted(set(case.theirs.answer)))))
    return None


@row(("knot",), "YXDOMAIN comes with the chain up to the DNAME, and no SOA", "RFC 6672 §2.2, §3.2",
     "as in NSD and BIND; Knot adds the SOA of NXDOMAIN, or says NXDOMAIN, or goes on")
def yxdomain(case):
    if (is_answer(case) and rcode(case.ours) == YXDOMAIN and rcode(case.theirs) in (YXDOMAIN, NXDOMAIN) and
            set(case.ours.answer) <= set(case.theirs.answer)):
        return agreed(case)
    return None


@row(("nsd", "bind"), "A chain of aliases is followed inside its zone, though another zone served here has its target",
     "RFC 1034 §4.3.2 3a",
     "as in Knot: a resolver asks for names of another zone anew, and believes no other answer for them")
def chain_leaves_zone(case):
    if not is_answer(case):
        return None
    family, name = asked(case)
    if family.leaves_zone(name, case.question.qtype == DS) and set(case.ours.answer) & set(case.theirs.answer):
        return agreed(case)
    return None


# ---- servers' own ways ----

@row(("nsd",), "Names of a zone exist in that zone only", "RFC 1034 §4.3.2 2, RFC 4592 §2.2.2",
     "NSD takes glue and other names that the parent zone has below the cut for names of the child zone, and the "
     "other way round, and then finds no wildcard, or NODATA for NXDOMAIN")
def mixed_zones(case):
    if not is_answer(case):
        return None
    family, name = asked(case)
    if any(passed and family.is_mixed(passed, case.question.qtype == DS) for passed in family.chain(name)):
        return agreed(case)
    return None


# ---- how much fits ----

@row(ALL, "TC=1 says that the answer, with the glue below the cut, does not fit", "RFC 2181 §9, RFC 9471 §3.1",
     "servers compress names differently, so that one's answer fits where another's does not")
def room(case):
    if not is_answer(case) or case.question.tcp or not (case.ours.flags ^ case.theirs.flags) & TC:
        return None
    octets = case.whole("volley" if case.ours.flags & TC else case.peer)
    return agreed(case) if octets and octets > case.question.room else None


@row(("nsd", "bind"), "Glue below the cut that does not fit sets TC=1", "RFC 9471 §3.1",
     "as in Knot; NSD and BIND leave out some of it without a word")
def glue_left_out(case):
    if is_answer(case) and not case.question.tcp and set(case.theirs.additional) < set(case.ours.additional) and (
            (case.whole(case.peer) or 0) > case.question.room):
        return case._replace(theirs=case.theirs._replace(additional=case.ours.additional))
    return None


@row(("knot",), "The SOA of a negative answer is left out only with TC=1", "RFC 2308 §2.2, RFC 2181 §9",
     "as in NSD and BIND; Knot leaves it out where it does not fit")
def soa_left_out(case):
    if is_answer(case) and not case.question.tcp and not case.theirs.authority and case.ours.authority and (
            (case.whole(case.peer) or 0) > case.question.room):
        return case._replace(theirs=case.theirs._replace(authority=case.ours.authority))
    return None


# ---- messages that are no plain questions ----

def odd(name, kinds, ours, theirs, what, section, why, peers=ALL):
    """A row for odd messages. Accepted are RCODEs, ours and theirs (None: silence; "any": whatever they say)."""
    def rule(case):
        if case.question.kind not in kinds or not isinstance(case.ours, Answer) or rcode(case.ours) not in ours:
            return None
        told = rcode(case.theirs) if isinstance(case.theirs, Answer) else None
        return agreed(case) if theirs == "any" or told in theirs else None
    ROWS.append(Row(name, peers, what, section, why, rule))


NO_NAME = ("cut-name", "cut-type", "compressed-to-itself", "compressed-forward", "compressed-header", "label-type",
           "name-too-long")
MALFORMED = NO_NAME + ("no-question", "two-questions", "answer-in-query", "authority-in-query", "broken-option",
                       "two-opts", "opt-not-at-root", "opt-missing", "opt-cut", "tsig-not-last", "tsig-broken")

odd("error-rate", MALFORMED + ("opcode", "opcode-edns", "update", "rcode-set", "record-in-additional",
                               "record-and-opt", "tsig", "tsig-edns"), range(16), (None,),
    "Every message with a header gets a response", "RFC 8906 §3", "NSD answers only some erroneous messages a second",
    ("nsd",))
odd("broken-question", NO_NAME, (FORMERR,), (None, FORMERR, REFUSED),
    "A question that can't be read is answered with FORMERR and the header alone", "RFC 1035 §4.1.1",
    "Knot is silent; BIND follows pointers into the header")
odd("question-count", ("two-questions", "no-question", "no-question-edns"), (FORMERR,), (None, 0, FORMERR),
    "A query with no question or with two is answered with FORMERR, without a question", "RFC 9619 §4",
    "Knot is silent to two; NSD answers NOERROR to none with EDNS; NSD and BIND leave out the OPT of two")
odd("records-in-query", ("answer-in-query", "authority-in-query"), (FORMERR,), "any",
    "A query with records in its answer or authority section is answered with FORMERR and the question",
    "RFC 1035 §4.1.1", "NSD leaves the question out; Knot and BIND ignore the records")
odd("additional-in-query", ("record-in-additional", "record-and-opt"), ANSWERED, (FORMERR,),
    "Records but OPT in a query's additional section are ignored", "RFC 1035 §4.1.1", "NSD answers FORMERR", ("nsd",))
odd("rcode-in-query", ("rcode-set",), ANSWERED, (FORMERR,),
    "The RCODE of a query is ignored", "RFC 1035 §4.1.1", "NSD answers FORMERR", ("nsd",))
odd("broken-opt", ("two-opts", "broken-option"), (FORMERR,), (FORMERR,),
    "FORMERR for two OPTs or a broken option comes with an OPT", "RFC 6891 §6.1.1, §7",
    "a query with an OPT gets one back; the peers leave it out")
odd("opt-owner", ("opt-not-at-root",), (FORMERR,), "any",
    "An OPT whose owner is not the root is answered with FORMERR", "RFC 6891 §6.1.2",
    "as NSD and BIND; Knot takes it as it is", ("knot",))
odd("missing-opt", ("opt-missing", "opt-cut", "opt-not-at-root", "tsig-not-last", "tsig-broken"), (FORMERR,),
    (FORMERR,),
    "FORMERR repeats the question when it could be read", "RFC 8906 §3", "NSD sends the header alone")
odd("trailing-octets", ("trailing", "trailing-edns"), ANSWERED, (FORMERR,),
    "Octets behind the message are ignored", "RFC 1035 §4.2.1", "as in NSD and BIND; Knot answers FORMERR", ("knot",))
odd("unknown-opcode", ("opcode", "opcode-edns", "notify", "update"), (NOTIMP,), (NOTIMP, NXDOMAIN, NOTAUTH, REFUSED, 0),
    "Opcodes but QUERY are answered with NOTIMP and, when one was sent, an OPT; the question is left out",
    "RFC 8906 §3.1.4, RFC 3425 §3, RFC 6891 §6.1.1",
    "a primary that takes neither NOTIFY nor UPDATE; Knot and BIND answer these NOTAUTH or NOERROR, or repeat the "
    "question; NSD leaves the OPT out")
odd("transfer-over-udp", ("transfer", "ixfr", "ixfr-edns"), (REFUSED, 0), (NOTIMP, NOTAUTH, REFUSED),
    "AXFR over UDP is refused; IXFR gets the SOA alone", "RFC 5936 §4.2, RFC 1995 §2", "NSD and Knot say NOTIMP or NOTAUTH, BIND NOTAUTH")


def without_time(additional):
    """TSIG records as if they had been signed at the same time: six octets behind the algorithm's name."""
    def timeless(record):
        owner, rrtype, rrclass, ttl, rdata = record
        at = rdata.index(0) + 1
        return owner, rrtype, rrclass, ttl, rdata[:at] + bytes(6) + rdata[at + 6:]
    return tuple(timeless(record) if record[1] == TSIG else record for record in additional)


@row(ALL, "A signed query is answered NOTAUTH with BADKEY, the question and the time of the query",
     "RFC 8945 §5.2.1, §5.3.2",
     "as Knot, which says REFUSED to names of no zone; NSD leaves the question out, BIND states its own time")
def unknown_key(case):
    if case.question.kind not in ("tsig", "tsig-edns") or not is_answer(case) or rcode(case.ours) != NOTAUTH:
        return None
    if case.peer == "knot" and rcode(case.theirs) == REFUSED:
        return agreed(case)
    return both(case, lambda answer: answer._replace(question=b"", additional=without_time(answer.additional)))


@row(("knot",), "No NSID unless it is set up", "RFC 5001 §2.2", "Knot can be told none only by a build option")
def server_id(case):
    return both(case, lambda answer: without_options(answer, NSID))


@row(("nsd",), "BADVERS comes with the DO bit as it was sent", "RFC 6891 §6.1.3, RFC 3225 §3", "NSD clears it")
def badvers_do(case):
    if case.question.kind == "version-1-do" and is_answer(case) and case.theirs.opt and case.ours.opt and (
            case.ours.opt[2] == case.theirs.opt[2] == 1):
        return both(case, lambda answer: answer._replace(opt=answer.opt[:4] + (0,) + answer.opt[5:]))


TABLE_HEAD = """# Accepted differences

Volley is compared with NSD, Knot and BIND, which are set up as `peers.py` says. Where its answer differs from one of
theirs, a row here explains it, or the test fails. Made by `differences.py` from its rules.

| row | Volley | differs from | as Volley | section | the others |
|---|---|---|---|---|---|
"""


def table():
    lines = []
    for candidate in ROWS:
        differ = ", ".join(PEER_NAMES[name] for name in ALL if name in candidate.peers)
        like = ", ".join(PEER_NAMES[name] for name in ALL if name not in candidate.peers) or "–"
        cells = (candidate.name, candidate.what, differ, like, candidate.section, candidate.why)
        lines.append(f"| {' | '.join(cells)} |")
    return TABLE_HEAD + "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(table(), end="")
