"""Sentences of English narrations, by the shape of the topic.

``{np}`` is the subject with its article, ``{the}`` refers back to it, ``{full}`` is the whole topic, ``{act}`` what the
subject is doing, ``{ask}`` a question and ``{q}`` the same after a verb; ``[is|are]`` follows the subject's number.
A sentence whose slot a topic does not have is passed over. Nothing here claims a fact about the subject.
"""

from tiktoker_batch.providers.local.writer.draft import Outline

_JOURNEY = (
    (
        "It starts small, as such things do.",
        "Most nights, nothing happens. Tonight is not most nights.",
        "A sound. A pause. Then the same sound again.",
        "Nobody else seems to notice.",
        "{The} [stops|stop] and [listens|listen].",
        "There is no time to lose.",
        "Just an ordinary evening, or so it seems.",
    ),
    (
        "Something here does not fit.",
        "There is one detail that everyone else has missed.",
        "{The} [looks|look] twice, and then a third time.",
        "The easy way would be to turn round and go home.",
        "But a question, once asked, does not go away.",
        "{Act} sounds easy, until it is your turn.",
        "Nobody said that {act} would be easy.",
        "Others would have given up long ago.",
        "One small sign points the way.",
    ),
    (
        "So {the} [goes|go] on, one careful step after another.",
        "Every closed door shows where the next one is.",
        "The first try fails. So does the second.",
        "For {the}, {act} is more than a habit. It is a promise.",
        "Doubt is a quiet companion, but it never leaves.",
        "{The} [remembers|remember] an old piece of advice: when you are lost, look up.",
        "A stranger shakes his head. A child points the way.",
        "The night gets darker, the way it does just before the end.",
        "Step by step, the fear grows smaller than the wish to know.",
    ),
    (
        "Then, all at once, the pieces fall into place.",
        "And there it is, in plain sight, where it has been all along.",
        "What looked like the end was only a corner.",
        "{The} [understands|understand] at last, and [stands|stand] quite still.",
        "One last look, and everything is clear.",
        "For a moment the whole world holds its breath.",
    ),
)
WONDER = (
    (
        "Start with what you can see.",
        "It sounds simple. It is not.",
        "Let us take it slowly.",
        "Forget the postcard. Forget the short version.",
        "The eye is quick, and the eye is lazy.",
    ),
    (
        "Come closer, and the picture changes.",
        "What seemed simple has layers.",
        "No map, no manual, only a good question.",
        "Somebody, once, was the first to wonder. Others came after, with better questions.",
        "Ask a child, and you will hear something that no expert has thought of.",
        "There are people who have spent their lives on it, and they are still curious.",
        "Look at the edges. The edges are where it gets interesting.",
        "A good question is like a lamp: it shows you more than you asked for.",
    ),
    (
        "One answer leads to the next door, and the door is never locked.",
        "The longer you look, the less ordinary it becomes.",
        "And the best part is that nobody has the last word.",
        "Wonder is not the opposite of knowing. It is where knowing begins.",
        "You do not need to be an expert. You only need to stop and look.",
        "Some of it you will have known. Some of it will stay with you all day.",
    ),
)
_ENDINGS = (
    "The world is full of doors. This is one of them.",
    "Keep wondering. It costs nothing, and it changes everything.",
    "Look twice. The second look is where the story is.",
    "And that is where your part begins.",
    "Tell somebody about it tonight. Then watch their eyes.",
)

OUTLINES: dict[str, Outline] = {
    "hero": Outline(
        hooks=(
            "Picture this: {full}.",
            "Nobody expected much of {np}. Nobody looked closely enough.",
            "What would you do, if you were {bare}?",
            "This is the story of {tale}.",
            "You have never met {bare} like this one.",
            "{Full}. That is how it begins.",
            "Somewhere out there, right now: {full}.",
        ),
        beats=_JOURNEY,
        endings=(
            "The answer was never hidden. It was only waiting for somebody to look.",
            "In the morning the world is the same. But {the} [is|are] not.",
            "And if you pass that way tonight, look closely. The light is still on.",
            "Some stories end. This one just goes quiet.",
            "Not every hero is loud. Some simply keep going.",
            "Tomorrow there will be another night, and another question.",
            "Remember that, the next time you want to turn back.",
        ),
    ),
    "thing": Outline(
        hooks=(
            "You think that you know {any}? Look again.",
            "There is more to {np} than meets the eye.",
            "Most people never give {any} a second thought. Not today.",
            "What is it about {any} that will not let us go?",
            "Stop for a moment, and think of {np}.",
            "Imagine that you had never heard of {any}.",
            "Picture {one}.",
            "Some stories need only a few words: {one}.",
            "{One}. What do you see?",
        ),
        beats=(
            (*WONDER[0], "Think of the first time that you heard of {any}."),
            (*WONDER[1], "We have words for {any}, and pictures, and arguments."),
            (*WONDER[2], "And still, {any} [keeps|keep] a little back."),
        ),
        endings=(
            *_ENDINGS,
            "So the next time you come across {np}, stop and look twice.",
            "Now you will notice {any} everywhere.",
        ),
    ),
    "question": Outline(
        hooks=(
            "{Ask}",
            "{Ask} Careful, it is a bigger question than it looks.",
            "{Ask} You are not the first to ask.",
            "Here is a question worth a minute of your day. {Ask}",
            "Few people ever stop to ask {q}. Let us stop.",
        ),
        beats=(
            (
                "It sounds like a question for children. Those are often the hardest.",
                "Most of us take it for granted.",
                "The quick answer is a shrug. The good answer takes a closer look.",
                "Everybody has a guess. Few have checked.",
            ),
            (
                "First, forget what you think you know.",
                "Look at what is really there: the small parts, and how they meet.",
                "A guess is not an answer. A guess that survives a test might be.",
                "Somebody had to ask first, and somebody had to be patient enough to look.",
                "The trick is to ask what would have to be true.",
                "Change one thing, keep the rest, and watch what happens.",
                "Write it down, because memory likes to be right.",
                "The first explanation is rarely the best one.",
            ),
            (
                "Pull on the thread, and another question comes along with it.",
                "That is what good questions do: they travel in company.",
                "And every answer fits into your pocket, once you have found it.",
                "The surprise is how close the answer was.",
                "Slowly the fog lifts, and there is a shape in it.",
            ),
        ),
        endings=(
            "So ask somebody tonight {q}. Then listen.",
            "Ask it again tonight, out loud, at the table.",
            "And when you find the answer, do not keep it to yourself.",
            "Some questions are worth more than their answers. This may be one.",
            "Stay curious. The answer likes company.",
        ),
    ),
    "what_if": Outline(
        hooks=(
            "{Ask}",
            "{Ask} Take it seriously, just for a moment.",
            "Close your eyes. {Ask}",
            "Here is a dangerous thought. {Ask}",
        ),
        beats=(
            (
                "The first day would be all wonder.",
                "At first, nobody would believe it.",
                "You would hear about it at breakfast, and laugh.",
                "The news would talk of nothing else.",
            ),
            (
                "By the second day, somebody would be selling tickets.",
                "By the end of the week there would be rules, and people who break them.",
                "Friends would argue about it over dinner.",
                "Somebody would miss the old days.",
                "Somebody would be glad, for the first time in years.",
                "Children would find it perfectly normal.",
                "Songs would be written about it, most of them bad.",
                "Experts would disagree, politely at first.",
            ),
            (
                "And then, one morning, it would be ordinary.",
                "The strange part is how quickly we would get used to it.",
                "And you? You would remember where you were when it began.",
                "Little things would change first: doors, habits, words.",
                "Someone would ask how we ever lived without it.",
            ),
        ),
        endings=(
            "It is only a thought. But so was everything that we now call ordinary.",
            "Maybe it never happens. Maybe that is why it is worth imagining.",
            "So, what would you do on the first day?",
            "Look around. Everything is as it was. Almost.",
        ),
    ),
    "origin": Outline(
        hooks=(
            "Every story has a first page. Here is the one of {np}.",
            "How did we ever come to {np}?",
            "Imagine a world without {np}.",
            "Somebody had to be the first to think of {np}.",
        ),
        beats=(
            (
                "Perhaps it began with a need. Perhaps with a happy accident.",
                "The beginning is hard to see from here.",
                "No one rang a bell to say that something had begun.",
                "At first there was only a small change, too small to notice.",
            ),
            (
                "Then came the doubts, as they always do.",
                "Some people shook their heads. Some always do.",
                "Others went on, and left a little of themselves behind.",
                "Ideas travel. They change hands, and every hand changes them.",
                "Somewhere a light stayed on all night.",
                "Mistakes were made, and some of them turned out to be useful.",
            ),
            (
                "Years became decades, and the strange became familiar.",
                "What we see today is only the latest page.",
                "Much was lost on the way. Enough was kept.",
                "Today hardly anyone asks how it began.",
            ),
        ),
        endings=(
            "And the next page? Somebody is writing it now.",
            "History is not behind us. We are standing in it.",
            "Every ordinary thing was once somebody's bold idea.",
            "Remember that, the next time something new looks foolish.",
        ),
    ),
    "countdown": Outline(
        hooks=(
            "{Count} thoughts about {np}. The last one stays with you.",
            "{Count} reasons to look at {np} again.",
            "Give {np} a minute, and {count} small thoughts.",
        ),
        beats=WONDER,
        endings=_ENDINGS,
    ),
    "loose": Outline(
        hooks=(
            "Picture this: {full}.",
            "Hold on to one thought for a moment: {full}.",
            "Here is something to take with you: {full}.",
            "It begins like this: {full}.",
            "A few words, and a whole story in them: {full}.",
        ),
        beats=WONDER,
        endings=_ENDINGS,
    ),
}
ITEMS = (
    "Number {n}: [it was|they were] interesting long before anybody put [it|them] on a list.",
    "Number {n}: no two people see quite the same thing in [it|them].",
    "Number {n}: the closer you look, the more there is to see.",
    "Number {n}: somebody, somewhere, has spent a whole life on [it|them].",
    "Number {n}: even the experts still argue.",
    "Number {n}: a child will ask the better question.",
    "Number {n}: what you remember is never quite what you saw.",
    "Number {n}: the best question has not been asked yet.",
)
FILLERS = (
    "Look again.", "Wait.", "Go on.", "Listen.", "And yet, it is true.", "Now look closer.", "Do you see it?",
    "Not yet.",
    "That is the whole secret.", "It takes only a moment.", "Remember that.", "Slowly, now.",
)  # fmt: skip
