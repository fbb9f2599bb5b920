"""Patterns of error messages and of refusals by language models that stand in place of a caption.

They work in Python and in polars, so they have no look-around and no back-reference;
none takes more than linear time.
"""

ERROR_PHRASES = (
    *("traceback (most recent call last)", "stack trace", "core dumped", "segmentation fault"),
    *("cuda error", "cuda out of memory", "tried to allocate", "device-side assert"),
    *("no such file or directory", "cannot identify image file", "index out of range"),
    *("object has no attribute", "unexpected token", "[object object]", "<response ["),
    *("connection refused", "connection reset by", "connection aborted", "connection timed out"),
    *("read timed out", "max retries exceeded", "rate limit exceeded", "rate limit reached"),
    *("quota exceeded", "too many requests", "internal server error", "bad gateway", "gateway time"),
    *("service unavailable", "404 not found", "403 forbidden", "invalid api key", "error generating"),
    *("an error occurred", "error has occurred", "please try again", "enable javascript"),
    *("language model", "ai assistant", "content policy", "content filter", "content management policy"),
)
"""Lower-case phrases that occur in such messages and in no description of a picture."""

ERROR_CLASS = r"[a-z](?:Error|Exception|Warning)\b"

_PICTURE = r"(?:images?|photos?|pictures?|attachments?|captions?|descriptions?|files?)"
_SEEMS = r"(?:it (?:seems|looks|appears)(?: like| that)? )?"
_READ = (
    r"(?:generate|load|open|read|process|fetch|download|decode|describe|caption|connect|parse|retrieve"
    r"|allocate|analy[sz]e|access|import|authenticate|identify|view|see)"
)

_ERROR = (
    r"(?:(?:an?|the|fatal|internal|unexpected|unknown|system|runtime|api|server|client|network|model|https?"
    r"|general|connection|timeout|value|key|type|index|memory|cuda|gpu|json|syntax|import|io|os|inference"
    r"|generation|captioning|request|parse|parsing|validation|authentication|database|ssl|proxy|file) ){0,3}"
    r"error\b(?:\W*$|\W{0,3}[:=#\]]|\W*\d| (?:code|occurred|message|generating|loading|processing|reading"
    r"|opening|fetching|downloading|decoding|calling|creating|parsing|retrieving|connecting|while|during)\b)"
)
_EXCEPTION = r"exception\b(?:\W*$|\W{0,3}[:=(\]]| in thread| occurred| while| during)"
_LOG_LINE = r"(?-i:FATAL|CRITICAL|WARN|WARNING|FAILED|FAILURE)\b\W{0,2}[:\]]"
_FAILED = (
    r"(?:failed|failure|unable|could(?: not|n't)|can(?:not| not|'t)) (?:to )?(?:be )?" + _READ + r"(?:\W*$"
    r"| (?:(?:an?|the|this|your|any|input|source) ){0,2}(?:"
    + _PICTURE
    + r"|urls?|data|models?|responses?|requests?|server|json)\b"
    r"| \S*[/\\]\S| \S+\.(?:jpe?g|png|gif|tiff?|webp))"
)
_NOT_DONE = (
    r"(?:image|caption|captioning|generation|inference|request|response|download|upload|processing|decoding"
    r"|api|job|task|query|operation|url|page|file|model|server|connection|resource)s?"
    r"(?: (?:generation|loading))? (?:(?:has|was|is|could) )?(?:failed|timed out|aborted|cancell?ed|not found"
    r"|unavailable|not available|not supported|not be (?:loaded|opened|read|found|processed|generated"
    r"|downloaded|displayed|decoded))\b"
)
_TIMEOUT = (
    r"(?:(?:request|connection|gateway|read|operation) )?time[d-]? ?out"
    r"(?:\W*$| (?:after|while|waiting|error|exceeded|expired)\b|\W{0,2}[:=])"
)
_STATUS = (
    r"(?:https?\b[ /\d.]*)?(?:(?:error|status|code) ?){0,3}[45]\d\d\b\W*(?:$|(?:server|client|bad|not found"
    r"|unauthori[sz]ed|forbidden|internal|too many|service|gateway|request|error|payment|method)\b)"
    r"|status(?:[ _]?code)?\W{1,4}\d{3}\b"
)
_WHOLE = (
    r"(?:access denied|permission denied|unauthori[sz]ed|forbidden|not found|(?:page|file) not found|killed"
    r"|loading|aborted|cancell?ed|skipped|failed|failure|null pointer|no (?:response|output|results?|answer)"
    r"|out of memory|rate limit(?:ed)?|just a moment|please wait|something went wrong|sorry"
    r"|invalid (?:input|image|request|response|url|file|token|key))\W*$"
)

_SORRY = (
    r"(?:(?:i'm|i am|we're|we are)(?: \w+)? sorry|sorry|(?:my )?apologies|i apologi[sz]e|unfortunately|oops)"
)
_REFUSAL = (
    r"(?:" + _SORRY + r"\W+)?(?:(?:but|as an ai|that)\W+){0,2}(?:i|we)(?:'m| am|'re| are)?"
    r" (?:can(?:not| not|'t)|could(?: not|n't)|(?:not |un)able to|do(?:n't| not)|won't|will not"
    r"|not allowed to)(?:\W*$|(?: \w+){0,2} (?:(?:assist|help)(?: you)?(?: with\b| by\b|\W*$)|comply|fulfil"
    r"|have (?:\w+ ){0,3}(?:access|ability|capab)"
    r"|(?:"
    + _READ
    + r"|provide|create|determine|interpret|recogni[sz]e|tell|display)(?: \w+){0,2} (?:"
    + _PICTURE
    + r"|requests?|content|people|persons?|individuals?|urls?)\b))"
)
_REGRET = (
    _SORRY + r"\W+(?:but )?(?:no (?:" + _PICTURE + r"|results?|data)\b|something went|an error"
    r"|there (?:is|was) (?:an? |no )(?:error|problem|issue|" + _PICTURE + r")"
    r"|(?:this|the) (?:requested )?(?:content|page|file|model|server|request|service)\b)"
)
_MODEL = r"(?:\w+\W+){0,4}as an? (?:ai|artificial intelligence|text-based)\b"
_NO_PICTURE = (
    r"(?:there is |there's |i see |" + _SEEMS + r")no " + _PICTURE + r"(?: (?:was|were|has been|is))?"
    r" (?:provided|attached|uploaded|found|available|given|supplied|detected)\b"
    r"|" + _SEEMS + r"(?:you|the user) (?:haven't|have not|didn't|did not|forgot)\b"
    r"|please (?:provide|upload|attach|share|send|specify|insert|enter) "
)

_BEGINNINGS = (
    *(_ERROR, _EXCEPTION, _LOG_LINE, _FAILED, _NOT_DONE, _TIMEOUT, _STATUS, _WHOLE),
    *(_REFUSAL, _REGRET, _MODEL, _NO_PICTURE, "<class "),
)
ERROR_PREFIX = r"(?i)^\W*(?:" + "|".join(_BEGINNINGS) + ")"
"""Narrow, since captions may begin with `Error cards with a bird` or `Sorry for the blur: a heron`."""
