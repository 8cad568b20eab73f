"""Sentences: where they end, which of them stand alone, and how they are tightened without changing them.  Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

LENGTH_MIN, LENGTH_MAX = 40, 320
WORDS_MIN, WORDS_MAX = 7, 52
LETTER_SHARE_MIN = 0.72
_END = re.compile(r"[.!?…][\"'”’)\]]*(?=\s)|\n|$")
_ABBREVIATION = re.compile(
    r"(?:\b(?:e\.g|i\.e|etc|cf|vs|approx|resp|incl|fig|figs|no|vol|ed|eds|al|mr|mrs|ms|dr|prof|st|jr|sr|inc|ltd|co|"
    r"jan|feb|mar|apr|jun|jul|aug|sep|sept|oct|nov|dec|ver|sec|ch|pp|p|b\.c|a\.d|u\.s|u\.k)|\b[A-Z])\.$",
    re.I,
)
_OTHER = re.compile(r"[\d_]|[^\w ]")
_VERB = re.compile(
    r"\b(?:is|are|was|were|be|been|has|have|had|do|does|did|can|cannot|could|will|would|must|may|might|should|shall|"
    r"isn't|aren't|wasn't|don't|doesn't|didn't|can't|won't|\w+ed|became|began|brought|built|came|chose|gave|grew|"
    r"held|kept|knew|led|left|let|lost|made|meant|met|put|ran|read|said|saw|sent|set|split|spread|stood|taught|"
    r"thought|told|took|went|won|wrote|"
    r"(?:accept|act|add|allow|answer|appear|apply|ask|assign|assume|avoid|begin|belong|block|break|bring|build|buffer|"
    r"call|carry|catch|cause|change|check|choose|claim|close|collect|combine|come|commit|compare|connect|consist|"
    r"contain|continue|convert|copy|cost|count|cover|crash|create|cut|deal|decide|declare|define|delay|delete|deliver|"
    r"demand|depend|describe|detect|differ|die|drain|drop|emit|enable|encode|end|enforce|ensure|escalate|evaluate|"
    r"examine|execute|exist|expect|expire|expose|extend|fail|fall|feed|fill|find|finish|follow|force|forget|fork|give|"
    r"go|grow|guarantee|guard|happen|help|hold|identify|ignore|implement|import|improve|include|indicate|inherit|"
    r"inspect|intercept|invoke|issue|join|keep|kill|know|lack|launch|lead|learn|leave|let|limit|link|list|live|load|"
    r"log|look|lose|make|manage|map|mark|match|mean|measure|monitor|move|name|need|notify|occur|offer|open|operate|"
    r"own|parse|pass|pause|pay|perform|persist|pick|place|point|prefer|prevent|print|produce|protect|provide|publish|"
    r"pull|push|put|queue|raise|reach|react|read|rebuild|recall|receive|record|recover|reduce|refer|refuse|register|"
    r"reject|release|rely|remain|remember|remove|render|repeat|replace|replay|report|represent|require|reset|resolve|"
    r"respond|restart|restore|resume|retry|return|reuse|revert|roll|rule|run|save|scale|schedule|see|seem|select|send|"
    r"separate|serve|set|share|show|shrink|shut|sit|skip|sleep|solve|spawn|specify|split|spread|stand|start|state|"
    r"stay|stop|store|stream|suit|supervise|supply|support|survive|suspend|switch|take|talk|tell|terminate|test|throw|"
    r"tie|time|track|transfer|translate|treat|trigger|trust|try|turn|update|use|validate|vary|wait|wake|want|warn|"
    r"watch|work|wrap|write|yield)(?:s|es)?|"
    r"applies|carries|copies|denies|dies|identifies|notifies|queries|relies|replies|retries|specifies|supplies|"
    r"tries|varies|verifies)\b",
    re.I,
)
_DEBRIS = re.compile(
    r"=>|->|[{}|\\]|\w\(\w*\)\s*\w*\(|^\W*\d+[.)]\s|^\s*[-*•]|\.\.\.|…|\$ |https?://|^[@#]|= ?[\w'\"]+ ?[,;]|\w/\w+/\w|\[[a-z]?\d+\]"
)
_DANGLING = re.compile(
    r"(?:this|that|these|those|it|its|they|their|them|he|she|his|her|such|both|neither|either|here|there is why|"
    r"the (?:former|latter|same|above|other|others|second|third|resulting|result|first)|"
    r"one of (?:these|them|those)|each of (?:these|them|those)|all of (?:these|them|this)|some of (?:these|them)|"
    r"otherwise|then|instead|so|hence|thus|therefore|consequently|as a result|in contrast|by contrast|similarly|"
    r"likewise|accordingly|for (?:example|instance)|in (?:this|that|these|those|such|either|both|addition|other) ?\w*|"
    r"on the other hand|with (?:this|that|these|those)|under (?:this|that|these)|after (?:this|that)|"
    r"because of (?:this|that|these)|to do (?:so|this|that)|doing (?:so|this)|when (?:this|that|it|they)|"
    r"if (?:this|that|it|they|so|not)|while (?:this|it|they)|as (?:such|it|they)|another|others|worse|better|again|"
    r"finally|next|second|secondly|third|thirdly|lastly|first|firstly|yes|no|not so|but|and|or|nor|yet)\b",
    re.I,
)
_LEANING = re.compile(
    r"\b(?:such an?|the same|in contrast|by contrast|those (?!who|that|which|of)\w+|these|this|the (?:method|lesson|latter|former)|"
    r"\bhere\b|likewise|therefore|thus|hence|however|too\.$|as well\.$|the (?:very|above|other two|two|three|second|third) \w+)",
    re.I,
)
_DEIXIS = re.compile(
    r"\b(?:see (?:also|the|below|above|section|chapter|figure)|below|above|the following|as follows|this (?:section|chapter|page|document|"
    r"guide|tutorial|example|article|table|list|book|post)|(?:previous|next|last|earlier|later) (?:section|chapter|example|page|"
    r"paragraph)|click here|read more|for more (?:information|details)|let's|as shown|shown (?:in|here)|figure \d|listing \d|"
    r"table \d|chapter \d+|section \d+|we'll|we've|you'll see|I'd|I'm|I've)\b",
    re.I,
)
_LEAD = re.compile(
    r"(?:however|but|and|moreover|furthermore|in addition|additionally|also|in fact|indeed|note that|"
    r"of course|in general|generally|usually|in practice|in short|in summary|finally|still|again|"
    r"(?:important|warning|note|tip)[:,]|as mentioned|as noted above|that said|by the way)[,:]?\s+",
    re.I,
)
_LEAD_NEEDS_COMMA = re.compile(r"(?:in general|generally|usually|in practice|still|again|also|finally)\s", re.I)
_ASIDE = re.compile(r"\s*\((?:[^()]|\([^()]*\))*\)")


def spans(text: str) -> Iterator[tuple[int, int]]:
    """Where each sentence of a passage begins and ends.  A line feed ends one in any case."""
    start = 0
    for match in _END.finditer(text):
        end = match.end()
        if match[0] not in {"\n", ""} and not _ends_here(text, start, end):
            continue
        stripped = text[start:end].strip()
        if stripped:
            begin = text.index(stripped[0], start)
            yield begin, begin + len(stripped)
        start = end


def _ends_here(text: str, start: int, end: int) -> bool:
    following = text[end:].lstrip(" ")
    if not following or following[0] == "\n":
        return True
    if _ABBREVIATION.search(text[max(start, end - 12) : end]):
        return False
    return following[0].isupper() or following[0].isdigit() or following[0] in "\"'“‘([`_"


def is_whole(sentence: str, names: frozenset[str] = frozenset()) -> bool:
    """Whether this looks like a full sentence of prose: no fragment, no heading, no list debris, no code.

    `names` are lower-cased words that may begin a sentence in lower case.
    """
    if not LENGTH_MIN <= len(sentence) <= LENGTH_MAX or not sentence.rstrip("\"'”’)]").endswith((".", "!")):
        return False
    tokens = sentence.split()
    if not WORDS_MIN <= len(tokens) <= WORDS_MAX or _DEBRIS.search(sentence):
        return False
    first = tokens[0].strip("\"'“‘([")
    lower_start = (
        first[:1].islower() and first.lower().strip(".,:;") not in names and not re.search(r"[\d_.-]\w", first)
    )
    letters = len(sentence) - len(_OTHER.findall(sentence))
    if lower_start or letters < LETTER_SHARE_MIN * len(sentence) or not first[:1].isalnum():
        return False
    rest = " ".join(tokens[1:])
    return balanced(sentence) and _VERB.search(rest) is not None and sentence.count(",") <= len(tokens) // 3


def balanced(text: str) -> bool:
    """Whether every bracket and double quote that opens also closes."""
    return (
        text.count("(") == text.count(")")
        and text.count("[") == text.count("]")
        and text.count('"') % 2 == 0
        and text.count("“") == text.count("”")
    )


def dangles(sentence: str) -> bool:
    """Whether it begins with a word that points at a sentence before it."""
    return _DANGLING.match(sentence) is not None


def leans(sentence: str) -> bool:
    """Whether some word in it points at what was said before, so that it says less by itself."""
    return _LEANING.search(sentence) is not None


def points_away(sentence: str) -> bool:
    """Whether it speaks of a place in its document ("the table below") that a report does not have."""
    return _DEIXIS.search(sentence) is not None


def without_lead(sentence: str) -> str:
    """Without a leading conjunction ("However, …"), which only ties it to the sentence before."""
    match = _LEAD.match(sentence)
    if not match or match.end() >= len(sentence) or ("," not in match[0] and _LEAD_NEEDS_COMMA.match(sentence)):
        return sentence
    rest = sentence[match.end() :]
    return rest[0].upper() + rest[1:] if _is_plain(rest) else rest


def without_asides(sentence: str) -> str:
    """Without what stands in parentheses, when there is a sentence left."""
    shorter = re.sub(r"\s+([,.;:!?])", r"\1", " ".join(_ASIDE.sub("", sentence).split()))
    return shorter if len(shorter) >= LENGTH_MIN and shorter[:1].isalnum() else sentence


def first_clause(sentence: str, length_max: int) -> str:
    """The sentence up to a place where it can end, at most `length_max` long; the whole when there is none."""
    if len(sentence) <= length_max:
        return sentence
    cuts = [
        match.start()
        for match in re.finditer(
            r"(?:;|: |, (?:which|because|so|and|but|while|whereas|although|where|since|unless|even)\b| – | — )",
            sentence,
        )
    ]
    fitting = [
        cut for cut in cuts if 30 <= cut < length_max and balanced(sentence[:cut]) and _VERB.search(sentence[:cut])
    ]
    return sentence[: fitting[-1]] + "." if fitting else sentence


def _is_plain(text: str) -> bool:
    """Whether the first word may be given a capital: not an identifier."""
    return re.match(r"[a-z]+(?:[\s,']|$)", text) is not None
