"""What is known about English: lists of words and phrases, each with what it is for.  Data, no rules.

Documents in other languages are read too; they only lose what these lists add.
"""

from __future__ import annotations

import re


def listed(text: str) -> frozenset[str]:
    """The words of a list."""
    return frozenset(text.split())


def any_of(phrases: str, *, at_start: bool = False) -> re.Pattern[str]:
    """A pattern for any of the phrases (one to a line, each a small regular expression), as whole words."""
    choices = "|".join(phrase.strip() for phrase in phrases.strip().splitlines())
    start = "" if at_start else r"\b"
    return re.compile(rf"{start}(?:{choices})(?!\w)", re.IGNORECASE)


STOP_WORDS = listed(
    """
    a about above across after again against all almost along already also although always am among an and another any
    anyone anything are aren't around as at away back be became because become becomes been before being below between
    both but by came can cannot can't come comes could couldn't did didn't do does doesn't doing done don't down due
    during each either else enough etc even ever every everything few for from further get gets give given gives go goes
    going got had has hasn't have haven't having he hence her here how however i i'd if i'll i'm in indeed instead into
    is isn't it it'd it'll its it's itself just keep keeps know known last least less let lets let's like likely made
    mainly make makes making many may maybe me mean means might more most mostly much must my neither never new next no
    nor not nothing now of off often on once one ones only onto or other others otherwise our out over own per perhaps
    please put quite rather really same say see seem seems several shall she should shouldn't simply since so some
    someone something sometimes still such take taken takes tell than that that's the their them then there therefore
    these they thing things this those though through thus to together too toward two under until up upon us use used
    useful uses using usually various very via want wants was wasn't way we well we're were what when whenever where
    whether which while who whole whom whose why will with within without won't would yes yet you you're your e g i.e
    vs explain describe define discuss overview difference differences compare comparison meaning happen happens happen
    handle handles handled work works different main key important good best better example examples following
    """
)
"""Words that say nothing by themselves."""

FAMILIES = tuple(
    listed(line)
    for line in """
    crash crashes die dies died death dead fail fails failed failing failure failures kill kills killed lost loss
    recover recovers recovered recovery restart restarts restarted resume resumes resumed restore restores restored
    begin begins start starts started launch launches spawn spawns boot
    stop stops stopped end ends ended exit exits terminate terminates terminated termination shutdown quit
    error errors exception exceptions fault faults bug bugs
    save saves saved store stores stored persist persists persisted persistent persistence durable durably durability
    delete deletes deleted remove removes removed drop drops dropped discard
    create creates created build builds built construct
    fast faster speed quick quickly performance latency throughput slow
    limit limits limited bound bounded maximum cap quota
    retry retries retried attempt attempts
    isolate isolates isolated isolation sandbox sandboxes sandboxed sandboxing
    hang hangs hung stuck freeze timeout timeouts unresponsive
    monitor monitors monitored monitoring observe watch watches heartbeat
    secure security secret safe safety
    configure configured configuration setting settings option options
    """.strip().splitlines()
)
"""Words that documents about software use for the same thing."""

IRREGULAR = tuple(
    listed(group)
    for group in re.split(
        r"\|",
        """
        analysis analyses | axis axes | basis bases | child children | criterion criteria | foot feet | index indices
        | knife knives | life lives | man men | matrix matrices | mouse mice | person people | phenomenon phenomena |
        tooth teeth | vertex vertices | woman women | begin began begun | bind bound | break broke broken | bring
        brought | build built | buy bought | catch caught | choose chose chosen | deal dealt | die died dying | draw
        drew drawn | drive drove driven | fall fell fallen | feed fed | feel felt | fight fought | find found | fly
        flew flown | forget forgot forgotten | freeze froze frozen | grow grew grown | hang hung | hear heard | hide
        hid hidden | hold held | lay laid | lead led | lend lent | lie lied lying | lose lost | pay paid | ride rode
        ridden | rise rose risen | run ran | sell sold | send sent | sing sang sung | sink sank sunk | sit sat | sleep
        slept | speak spoke spoken | spend spent | stand stood | steal stole stolen | stick stuck | strike struck |
        swear swore sworn | swim swam swum | teach taught | tear tore torn | tell told | think thought | throw threw
        thrown | tie tied tying | understand understood | wake woke woken | wear wore worn | win won | write wrote
        written
        """,
    )
)
"""Forms of one word that no rule of endings brings together."""

NEGATIONS = listed(
    """
    not no never none neither nor without cannot can't don't doesn't didn't isn't aren't wasn't weren't won't wouldn't
    couldn't shouldn't hasn't haven't hadn't unable nothing nobody
    """
)
"""Words that turn a statement into its opposite."""

NUMERALS = any_of(
    r"""
    [\d.,]*\d\w*|zero|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|\w+teen
    (?:twen|thir|for|fif|six|seven|eigh|nine)ty|hundreds?|thousands?|millions?|billions?|dozens?|half|quarter
    once|twice|thrice|unlimited
    """
)
DATES = any_of(
    r"""
    \d{4}s?|\d{1,2}[./-]\d{1,2}[./-]\d{2,4}|january|february|april|june|july|august|september|october|november|december
    (?:march|may)\s+\d{1,4}|\d{1,2}\s+(?:march|may)
    """
)
"""What a sentence may give where a question asks for a number or for a date."""

AUXILIARIES = listed(
    """
    is are was were be been has have had do does did can cannot could will would must may might should shall isn't
    aren't wasn't don't doesn't didn't can't won't became began brought built came chose gave grew held kept knew led
    left lost made meant met put ran read said saw sent set split spread stood taught thought told took went won wrote
    dies applies carries copies denies identifies notifies queries relies replies retries specifies supplies tries
    varies verifies
    """
)
"""Finite verbs that no rule derives."""

VERBS = listed(
    """
    accept act add allow answer appear apply ask assign assume avoid begin belong block break bring build buffer call
    carry catch cause change check choose claim close collect combine come commit compare connect consist contain
    continue convert copy cost count cover crash create cut deal decide declare define delay delete deliver demand
    depend describe detect differ drain drop emit enable encode end enforce ensure escalate evaluate examine execute
    exist expect expire expose extend fail fall feed fill find finish follow force forget fork give go grow guarantee
    guard happen help hold identify ignore implement import improve include indicate inherit inspect intercept invoke
    issue join keep kill know lack launch lead learn leave let limit link list live load log look lose make manage map
    mark match mean measure monitor move name need notify occur offer open operate own parse pass pause pay perform
    persist pick place point prefer prevent print produce protect provide publish pull push queue raise reach react
    read rebuild recall receive record recover reduce refer refuse register reject release rely remain remember remove
    render repeat replace replay report represent require reset resolve respond restart restore resume retry return
    reuse revert roll rule run save scale schedule see seem select send separate serve share show shrink shut sit skip
    sleep solve spawn specify stand start state stay stop store stream suit supervise supply support survive suspend
    switch take talk tell terminate test throw tie time track transfer translate treat trigger trust try turn update
    use validate vary wait wake want warn watch work wrap write yield
    """
)
"""Verbs common in documents about software, by which a sentence is told from a fragment."""

BEFORE_VERBS = listed(
    """
    to will would can could may might must should shall not cannot it they we you i which who that and or then never
    """
)
AFTER_VERBS = listed("a an the its their his her both no one two each every all any some this that it them")
"""The word before, and the word after, by which a word is seen to be used as a verb."""

EMPTY_NOUNS = listed(
    """
    way ways case cases number numbers kind kinds type types lot lots bit part parts point points time times thing name
    names fact idea ideas order sense example examples detail details chapter section document page list first system
    systems issue issues experiment experiments production program programs feature features function functions method
    methods introduction background overview summary conclusion definition principle library libraries framework
    frameworks second third last single simple full whole long short new old high low large small real true false right
    left same common general specific particular certain default possible available able sure clear easy hard ready
    user users people person developer developers project version versions line lines word words text today year years
    day days hour hours minute minutes seconds month months result results reason problem question answer place side
    end start beginning top bottom value values code allow allows allowed needs lets uses makes gives takes means says
    fashion manner approach approaches note notes twice patch patches
    """
)
"""Nouns, and words used like nouns, that would be empty titles."""

COMMON_CAPITALS = listed(
    """
    january february march april may june july august september october november december monday tuesday wednesday
    thursday friday saturday sunday i ok api apis http https json xml yaml toml html css url urls uri id ids cpu cpus
    gpu gpus ram io i/o os sql ssl tls tcp udp ip dns ssh cli gui ui sdk ide pdf csv ascii utf-8 utf utc eof faq rfc
    todo note warning null none true false get post put delete patch head pid pids uid ttl lts llm llms ai ml rest rpc
    crud orm mit bsd gpl readme pr prs ci cd english american european internet chapter section figure table appendix
    page part step example see if in on at the a an for with when while since after before although because as it its
    this that these those however each every all some most many no not my our your their his her once until unless also
    both like acm ieee usa uk eu nyi tbd fifo lifo sigkill sigterm sigint sighup sigstop sigcont fifos ipc raii dry mb
    gb kb summary introduction overview conclusion contents foreword preface changelog license copyright
    """
)
"""Words written with capitals that name nothing in particular."""

DANGLING = any_of(
    r"""
    this|that|these|those|it|its|they|their|them|he|she|his|her|such|here
    (?:both|neither|either)(?! (?:of )?[\w -]{1,60} (?:and|or|nor)\b)
    the (?:former|latter|same|above|other|others|second|third|resulting|result)
    (?:one|each|all|some) of (?:these|them|those|this)
    otherwise|then|instead|so|hence|thus|therefore|consequently|as a result|in contrast|by contrast|similarly
    likewise|accordingly|for (?:example|instance)|in (?:such|either|both|addition|other) ?\w*
    (?:in|during|with|under|after|for|at|on|by|from|of|to|through|since|until|before|like) (?:this|that|these|those|it)
    (?:despite|without|beyond|because of) (?:this|that|these|those|them|it)
    (?:once|when|if|after|before|while) \w+,? (?:they|it)
    on the other hand|to do (?:so|this|that)|doing (?:so|this)|when (?:this|that|it|they)
    if (?:this|that|it|they|so|not)|while (?:this|it|they)|as (?:such|it|they)|another|others|worse|better|again
    finally|next|second|secondly|third|thirdly|lastly|first|firstly|yes|no,|not so|but|and|or|nor|yet
    """,
    at_start=True,
)
"""Openings that lean on the sentence before."""

LEANING = any_of(
    r"""
    such (?!as\b)\w+|the same|in contrast|by contrast|those (?!who|that|which|of)\w+|these|this
    the (?:method|lesson|latter|former)|here|likewise|therefore|thus|hence|however|too(?=\.)|as well(?=[.,])
    both(?=[.,])|the (?:very|above|other two|two|three|second|third) \w+
    (?:shares?|shared|has|have|lacks?|needs?|avoids?|solves?|follows?|does|closes?|takes?|plays?) that
    (?:in|of) (?:that|the) (?:respect|situation|case|way|sense|regard|kind)
    """
)
"""Words inside a sentence that lean on what was said before."""

POINTING = any_of(
    r"""
    see (?:also|the|below|above|section|chapter|figure)|below|above|the following|as follows
    this (?:section|chapter|page|document|guide|tutorial|example|article|table|list|book|post)
    (?:previous|next|last|earlier|later) (?:section|chapter|example|page|paragraph)
    click here|read more|for more (?:information|details)|let's|as shown|shown (?:in|here)
    (?:figure|listing|table|chapter|section|appendix) \w?\d[\d.-]*
    we'll|we've|you'll see|I'd|I'm|I've
    """
)
"""Words that point at a place in a document, or at its author."""

LEADS = re.compile(
    r"(?:however|but|and|moreover|furthermore|in addition|additionally|also|in fact|indeed|note that|of course),?\s"
    r"|(?:in general|generally|usually|in practice|still|again|finally|in short|in summary|that said|by the way),\s"
    r"|(?:important|warning|note|tip)[:,]\s",
    re.IGNORECASE,
)
"""Conjunctions at the start that only tie a sentence to the one before."""

CONTRASTS = any_of(
    r"""
    unlike|whereas|in contrast to|compared (?:to|with)|rather than|instead of|differs? from|while
    """
)
"""Words by which one sentence sets two things against each other."""

DENIALS = re.compile(
    r"\b(?:not|no|never|cannot|without|lost|lose[sd]?|fails? to|lacks?|nothing|none|neither|hardly)\b|n't\b",
    re.IGNORECASE,
)
"""Words that say that something is not so."""

SPEAKERS = any_of("I|we|you|your|our|us|my|let's")
IMPERATIVES = any_of(
    """
    please|make sure|be sure|use|see|try|note|run|go|check|install|consider|remember|do not|don't|if you
    """,
    at_start=True,
)
"""How documents speak to their readers."""
