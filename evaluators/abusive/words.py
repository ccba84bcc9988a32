"""Little words by what they do to a phrase beside them."""

from __future__ import annotations

HEAD = ("emote_verb", "emote_effect", "bad", "bad_noun", "dehuman", "harm", "exclude", "doom", "deny", "implicit")

PARTICIPLES = {"shot", "beaten", "hung", "burnt", "hit", "slain", "put", "thrown", "driven", "sent", "kept", "run"}

BE = {"be", "been", "being", "get", "getting", "gets", "got", "are", "is", "was", "were", "'re", "'s"}

GAP = frozenset(
    "all those these the a an any every each most some of such so many other that your our more lot lots bunch whole "
    "entire single damn goddamn fucking fuckin bloody shitty stinking both much how by being for at to on with every "
    "last one more seeing looking our real big old little rich poor young and or as like about".split()
)

LINK = frozenset("with who are is from of in a the being 're that which have has suffering on an".split())

BREAKS = frozenset(", ; : but because although though however".split())

OWN = frozenset("i we my our 'm myself ourselves".split())

BY = frozenset("by with from at against to about for fight fights fighting treat treats treated cure".split())

SAYS = frozenset("are is were should must can deserve need have will would have do don't aren't".split())

IS = frozenset(
    "be are is 're 's r be am was were aren't isn't ain't seem seems look looks act acts behave smell smells remain become becoming like as considered sound sounds".split()
)

PAST = frozenset("was were been had did didn't wasn't weren't hadn't".split())

UNREAL = frozenset("if should better wish".split())

OBVIOUS = frozenset("realise realize obvious clear see know understand agree admit".split())

DISEASES = frozenset("cancer disease diseases virus viruses infection bacteria germs tumor tumour".split())

UNSURE = frozenset("if when whether while unless".split())

DETERMINERS = frozenset("the a an these those this that all our your their".split())

POSSESSIVE = frozenset("your their".split())

COMPLEMENTS = frozenset("to for of with from in".split())

PLURAL = frozenset("they them their theirs these those all every".split())

PREPOSITIONS = frozenset("per of for with in by to from about on against among between".split())

PARTS = frozenset(
    "in of with for to at from on by that which who when where because if into over under about and or not but can will have has had do does did than".split()
) | BREAKS - {","}

QUANTITIES = frozenset(
    "bunch lot lots kind kinds sort pack breed piece pieces load form all most some none worst full one many any gang race nation set herd".split()
)

DEGREES = frozenset(
    "that a an the all just so such too very really nothing but only like as basically simply literally all both always total complete utter fucking bunch of pack no better than not no more less , in fact really are be is".split()
)

ADVERBS = frozenset(
    "who have has are is were will would all just always only never simply really , should can do ever also".split()
)

STANDS_FOR = frozenset("they them their theirs she her he him it these those".split())

FOR = frozenset("for at to on with by about seeing looking".split())

WISHES = frozenset(
    "should must deserve deserves deserved hope hopefully wish ought need needs let let's lets please better gotta can wanna want would".split()
)

ENDS_PHRASE = frozenset(
    "too everywhere always anyway again today now period lol af than enough never nothing just not no hitting who".split()
)

COMPARES = frozenset("than between equal instead before same".split())

BEINGS = frozenset("being beings human humans creature creatures kind race lot bunch".split())

PEOPLE = frozenset("people ppl person someone somebody anyone men those everyone anybody man guys guy".split())

THIS = frozenset("this that it".split())

IDLE = frozenset(
    "more than|difference between|don't see any difference between|no difference between|just a|only a|responsible for|it is always|it's always|bunch of|the end of|free of|"
    "only thing|near me|rather have|fault|next door|better if|test on|agenda|would be better if|typical|no wonder|"
    "unable to|incapable of|lack of|lower than|can't be|same as|belong to|belong at|should not have|shouldn't have|"
    "should be treated|should stay|not capable|not equal|not be allowed to|no right to|no rights|no value|not worth|submit to|worse than|superior to|"
    "steal|stink|ruined|molest|contaminate|polluting|infest|take our|taking over|to blame for|live off|a threat to|a danger to|burden on|burden to|responsible for all|"
    "objects|property|slaves|servants|mistakes|mistake|problem|joke|jokes|things|creatures|machines|robots|waste|disease|diseases|cancer|virus|viruses|"
    "infection|bacteria|germs|animals|animal|dogs|sheep|cows|goats|snake|snakes|insect|insects|bugs|worms|dirt|objects|plague|tumor|tumour|breeders|"
    "mental|criminal|terrorist|less than|entitled|fake|cheap|slow|thick|broken|damaged|wrong|lowest|infected|contaminated|weak|bitter|dim|dull|a problem|the problem|"
    "sick|mad|nuts|crap|aggressive|dangerous|violent|bad|so bad|crazy|abnormal|hated|demon|demons|devil|psycho|illiterate|uneducated|clown|clowns|enemy|enemies|invaders|"
    "tool|tools|fat|fraud|frauds|scam|looking at|avoid|tired of|screw|fear|dread|curse|damn|don't want|do not want|scared of|afraid of|dislike|dislikes|reject|rejects|toxic|out of control|useless|not human|crook|stain|stains|fill us with|fills me with|fill me with|"
    "crook|evil|beast|beasts|pig|pigs|rat|rats|cattle|monster|monsters|predator|predators|killers|property|failure|failures|failing".split(
        "|"
    )
)
