"""Closed word lists by which sentences are compared. English; written for this, not taken from elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from evaluators.text import normal, stem

_STOP = """
a about above after again against all also although am an and any are aren't as at be because been before being below
between both but by can can't cannot could couldn't did didn't do does doesn't doing don't down during each either
else even ever every few for from further get gets got had hadn't has hasn't have haven't having he he'd he'll he's
her here hers herself him himself his how however i i'd i'll i'm i've if in into is isn't it it'd it'll it's its
itself just let's like many may me might more most much must mustn't my myself neither no nor not of off often on once
one only onto or other others our ours ourselves out over own per quite rather really s same shall she she'd she'll
she's should shouldn't since so some such t than that that's the their theirs them themselves then there there's
therefore these they they'd they'll they're they've this those though through thus to too under until up upon us very
via was wasn't we we'd we'll we're we've were weren't what what's when where which while who who's whom whose why will
with within without won't would wouldn't yet you you'd you'll you're you've your yours yourself yourselves
"""
STOP = frozenset(_STOP.split())
"""Words that say little by themselves (normal forms)."""

_NEGATIONS = """
no not none never neither nor nobody nothing nowhere without cannot can't couldn't didn't doesn't don't hadn't hasn't
haven't isn't aren't mustn't shouldn't wasn't weren't won't wouldn't unable fail failed fails lack lacks lacked unlikely
hardly refuse refused refuses deny denied denies
"""
NEGATIONS = frozenset(_NEGATIONS.split())

_UNIVERSAL = """
all every each always entire entirely completely both whole everyone everything only solely exclusively never none must
certainly definitely guaranteed
"""
_PARTIAL = """
some several many most few often sometimes usually typically generally mostly partly partially may might could possibly
likely probably perhaps occasionally rarely about approximately around nearly almost
"""
QUANTIFIERS = {**dict.fromkeys(_UNIVERSAL.split(), "universal"), **dict.fromkeys(_PARTIAL.split(), "partial")}
"""Words that say how far a claim goes, and which way."""

_ANTONYMS = """
increase/decrease increase/reduce increase/fall increase/decline increase/drop rise/fall rise/drop rise/decline
rise/decrease grow/shrink gain/lose gain/loss win/lose more/less more/fewer most/least higher/lower high/low
highest/lowest greater/smaller greater/less large/small larger/smaller largest/smallest big/small bigger/smaller
long/short longer/shorter longest/shortest fast/slow faster/slower hot/cold warm/cool warmer/cooler hotter/colder
heat/cool early/late earlier/later first/last before/after above/below over/under up/down upper/lower top/bottom
left/right north/south east/west northern/southern eastern/western inside/outside internal/external inner/outer
indoor/outdoor in/out on/off open/close opened/closed open/shut begin/end start/end start/stop start/finish
begin/finish remove/add include/exclude included/excluded accept/reject allow/forbid allow/prohibit allow/ban
allow/prevent approve/reject approve/deny agree/disagree support/oppose for/against true/false right/wrong
correct/incorrect legal/illegal lawful/unlawful safe/unsafe safe/dangerous healthy/unhealthy good/bad better/worse
best/worst positive/negative strong/weak stronger/weaker strongest/weakest hard/soft hard/easy difficult/easy
easier/harder light/dark light/heavy bright/dark wet/dry full/empty rich/poor young/old younger/older new/old
modern/ancient male/female man/woman men/women boy/girl father/mother son/daughter brother/sister husband/wife
king/queen he/she his/her buy/sell bought/sold import/export borrow/lend pay/receive send/receive give/take push/pull
love/hate like/dislike happy/sad happy/unhappy satisfied/dissatisfied pleased/disappointed succeed/fail
success/failure successful/unsuccessful pass/fail arrive/leave arrive/depart enter/exit enter/leave come/go join/leave
hire/fire hired/fired alive/dead live/die born/died birth/death public/private domestic/foreign local/foreign
national/international natural/artificial maximum/minimum major/minor majority/minority common/rare frequent/rare
often/rarely always/never usually/rarely all/none everyone/nobody everything/nothing some/none any/none
likely/unlikely possible/impossible able/unable known/unknown necessary/unnecessary important/unimportant
required/optional mandatory/optional voluntary/mandatory active/inactive active/passive effective/ineffective
efficient/inefficient direct/indirect complete/incomplete similar/different same/different equal/unequal
simple/complex cheap/expensive cheaper/expensive affordable/expensive free/paid profit/loss asset/liability
confirm/deny confirmed/denied innocent/guilty convict/acquit convicted/acquitted attack/defend attacked/defended
victory/defeat beat/lost won/lost improve/worsen improved/worsened strengthen/weaken expand/contract raise/lower
lift/lower encourage/discourage permit/forbid present/absent presence/absence visible/invisible temporary/permanent
day/night morning/evening summer/winter acid/base acidic/alkaline liquid/solid hydrogen/oxygen front/back wide/narrow
wider/narrower deep/shallow thick/thin narrow/broad tall/short near/far nearer/farther close/distant old/recent
past/future mild/severe minor/severe benign/malignant optimistic/pessimistic confident/doubtful calm/angry
peaceful/violent peace/war ally/enemy friend/enemy teacher/student employer/employee buyer/seller doctor/patient
parent/child upgrade/downgrade upward/downward forward/backward outperform/underperform overestimate/underestimate
inferior/superior accelerate/slow advantage/disadvantage benefit/harm beneficial/harmful hot/chilly early/delayed
postpone/advance reveal/hide remember/forget demand/supply credit/debit employed/unemployed supervised/unsupervised
parametric/nonparametric linear/nonlinear online/offline online/person positive/adverse praise/criticize
praised/criticized welcomed/rejected continue/stop maintain/abandon keep/discard united/divided guilty/cleared
"""


def _others(groups: Iterable[Sequence[str]]) -> dict[str, tuple[str, ...]]:
    """Stem of each word to the other words of its groups."""
    found: dict[str, dict[str, None]] = {}
    for group in groups:
        for word in group:
            others = {other: None for other in group if stem(normal(other)) != stem(normal(word))}
            if others:
                found.setdefault(stem(normal(word)), {}).update(others)
    return {one: tuple(others) for one, others in found.items()}


def _stems(words: Mapping[str, Sequence[str]]) -> dict[str, frozenset[str]]:
    return {one: frozenset(stem(normal(other)) for other in others) for one, others in words.items()}


ANTONYM_WORDS = _others(pair.split("/") for pair in _ANTONYMS.split())
"""Stem to the words that say the opposite."""

ANTONYMS = _stems(ANTONYM_WORDS)

SOURCES = frozenset(("passage", "passages", "context", "document", "source", "excerpt", "article", "text", "step"))
"""Words after which a number is the name of a context."""

EXAMPLES = frozenset(("such", "including", "like", "e.g", "example"))
"""Words after which examples follow."""

_DETERMINERS = """
the a an of in on at for with by from its their his her this that these those no any some each every as into about like
than between our your my
"""
DETERMINERS = frozenset(_DETERMINERS.split())
"""Words before a noun: determiners and prepositions."""

_HEDGES = """
passage passages context document text article information provided given mentioned mention according based source
excerpt states stated
"""
HEDGES = frozenset(stem(word) for word in _HEDGES.split())
"""Words by which answers speak of the contexts (stems)."""

_DECLINES = "know answer determine find sure tell help assist say confirm unable information"
DECLINES = frozenset(stem(word) for word in _DECLINES.split())
"""Words with which, denied, an answer declines to answer (stems)."""

_ADVICE = """
important recommended recommend consult consider ensure advisable essential best always remember note helpful overall
additionally furthermore moreover conclusion summary generally typically enjoy hope help please
"""
ADVICE = frozenset(stem(word) for word in _ADVICE.split())
"""Words with which answers add general knowledge (stems)."""

_SYNONYMS = """
say state report tell mention note remark announce declare explain describe express claim assert
show demonstrate reveal display exhibit indicate illustrate present highlight
make create produce build construct develop design generate form craft manufacture
use utilize employ apply adopt leverage
help assist aid support facilitate enable
get obtain receive acquire gain procure secure earn
give provide offer supply deliver grant furnish
buy purchase acquire
start begin commence launch initiate open
end finish conclude complete terminate close cease stop
increase rise grow climb raise boost surge jump expand enlarge soar
decrease decline fall drop reduce lower shrink diminish lessen cut plunge slump dip
improve enhance better upgrade boost strengthen optimize refine
change alter modify adjust vary transform convert shift adapt
keep maintain retain preserve sustain hold
need require demand necessitate
want wish desire hope seek aim intend plan
try attempt endeavor strive seek
think believe consider feel reckon suppose regard deem
know understand realize recognize acknowledge
find discover detect locate identify uncover determine
look search seek hunt
see view observe watch notice witness
choose select pick opt prefer decide
allow permit let enable authorize
stop prevent avoid block hinder halt avert
protect guard shield defend safeguard
attack assault strike hit raid
kill slay murder
die perish decease
hurt injure harm damage wound
fix repair mend correct resolve solve remedy address
ask request inquire query question
answer reply respond
talk speak discuss converse chat communicate
suggest propose recommend advise advocate
agree consent accept approve concur
refuse reject decline deny
promise pledge vow commit guarantee
argue contend claim maintain dispute debate
criticize condemn denounce slam blame
praise applaud commend laud
warn caution alert
urge encourage push press
order command instruct direct
lead head guide direct run manage
control manage govern regulate oversee supervise handle
join combine merge unite connect link attach unify integrate incorporate
split divide separate detach partition
include contain comprise incorporate involve feature consist encompass
remove delete eliminate erase discard eradicate withdraw
add append attach insert
put place set position lay
move shift transfer relocate transport
go travel journey proceed head
arrive come reach
leave depart exit quit
return revert
send dispatch transmit ship deliver mail
carry transport bear haul
happen occur arise
cause trigger induce prompt provoke lead
result outcome consequence effect finding
reason cause motive
happy glad pleased delighted content
sad unhappy upset
angry furious mad
afraid scared frightened
big large huge great massive enormous sizable substantial considerable
small little tiny minor slight
important significant crucial key vital essential critical major
main primary principal chief major central leading
new novel fresh recent modern latest
old ancient former aged
quick fast rapid swift speedy prompt
slow gradual
easy simple effortless straightforward
hard difficult tough challenging
good great excellent fine superb
bad poor terrible awful
best optimal ideal finest perfect
different distinct separate diverse various
similar alike comparable akin
same identical equal equivalent
whole entire complete total full
part portion piece section segment component
start beginning onset outset
amount quantity number volume
number figure total
kind type sort category class variety form
way method manner approach technique means strategy procedure process
place location site spot area region
area region zone district territory
house home residence dwelling
job work task role position occupation employment
worker employee staff personnel
boss manager supervisor
company firm business corporation enterprise organization
customer client consumer buyer
child kid youngster children
person individual human people
man guy male
woman lady female
doctor physician
police officer cop officers
illness disease sickness ailment condition disorder
medicine medication drug
car vehicle automobile auto
money cash funds
cost price expense fee charge
pay compensate reimburse
salary wage pay earnings income
goal aim objective purpose target
idea concept notion
problem issue trouble difficulty challenge
benefit advantage perk
danger risk hazard threat
law rule regulation statute
agreement deal contract pact accord
fight battle combat struggle clash
war conflict
game match contest
win triumph victory prevail
beat defeat overcome
movie film picture
picture image photo photograph
story tale account narrative
book volume
speech address talk
meeting conference gathering session
trip journey travel voyage
test exam check trial examine
study research investigate examine analyze investigation
data information
model framework system
train teach educate instruct coach
learn study
student pupil
teacher instructor educator
school academy
predict forecast project anticipate expect foresee
estimate gauge approximate
calculate compute
measure assess evaluate gauge
compare contrast
prove confirm verify validate establish
ensure guarantee secure assure
happen occur
live reside dwell inhabit
visit attend
attend participate join
party celebration event
eat consume
drink beverage
food meal dish
clean wash tidy
cook prepare make
dry desiccate
hot warm heated
cold cool chilly
sick ill unwell
tired exhausted weary fatigued
rich wealthy affluent
poor impoverished needy
famous renowned well-known celebrated noted
strange odd unusual weird peculiar
common frequent usual widespread prevalent typical
rare uncommon scarce
often frequently regularly
always constantly continually
sometimes occasionally
usually typically generally normally commonly ordinarily
currently presently now
previously formerly earlier before
later afterward subsequently after
soon shortly
immediately instantly promptly
also additionally furthermore moreover besides too
however but though nevertheless
because since due
about approximately around roughly regarding concerning
almost nearly
very extremely highly
only solely exclusively merely
especially particularly specifically notably
enough sufficient adequate
extra additional more further
several numerous many multiple various
free complimentary
whole overall
available accessible obtainable
suitable appropriate fitting proper
accurate precise exact correct
right correct proper
wrong incorrect mistaken false
effective efficient productive
powerful strong mighty potent robust
weak feeble fragile
safe secure
hidden secret concealed
public open
unique distinctive exceptional special
exclusive special
exciting thrilling
beautiful gorgeous pretty lovely attractive
smart intelligent clever bright
careful cautious
brave courageous
famous popular
official formal
annual yearly
near close nearby adjacent
far distant remote
top highest peak maximum
lowest minimum least
limit restrict confine constrain
grow develop expand
release publish issue launch unveil introduce
promote advertise market publicize
sell market vend
order book reserve
plan arrange organize schedule prepare
arrest detain apprehend
jail prison imprison
trial hearing
accuse charge allege
escape flee
rescue save
hit strike
crash collision accident
fire blaze
storm hurricane
country nation state
government administration authorities
leader head chief
election vote poll
protest demonstration rally
protester demonstrator activist
soldier troop
weapon arm
border boundary frontier
town city
street road
building structure
picture depict portray represent
call phone telephone contact
message text note
email mail
meet encounter
friend pal buddy
marry wed
spouse husband wife partner
mother mom mum
father dad
grandmother grandma
sibling brother sister
quit resign
fire dismiss sack
hire recruit employ
retire
struggle grapple
lack shortage absence
need necessity requirement
chance opportunity possibility
ability capability capacity skill
experience expertise
feature characteristic trait attribute property
function role purpose
quality standard
speed pace rate
size dimension
shape form
color colour
center centre
level degree extent
period time duration
moment instant
date day
step stage phase
group team set collection bunch
list series
tool instrument device
machine device equipment appliance
software program application app
website site webpage
platform system
solution answer product
offer deal discount promotion
discount reduction
reward prize award
accompany escort
describe depict characterize
involve entail
depend rely
last endure persist continue
continue proceed persist carry
delay postpone defer
hurry rush
wait await
rest relax
sleep slumber
throw toss hurl
pull drag draw
push shove
cut slice chop trim
mix blend stir combine
pour
fill
cover wrap
spread distribute disperse
collect gather accumulate assemble
share distribute
store keep save
lose misplace
miss skip
forget
remember recall recollect
"""


SYNONYM_WORDS = _others(line.split() for line in _SYNONYMS.strip().splitlines())
"""Stem to the words that can say the same."""

SYNONYMS = _stems(SYNONYM_WORDS)
