"""The fair queue: nobody waits for more than a turn of everybody else's."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from cogs.fair import FairQueue

SERVERS, PEOPLE = st.integers(1, 4), st.integers(1, 3)
STEPS = st.lists(st.one_of(st.tuples(SERVERS, PEOPLE), st.none(), st.integers(0, 30)), max_size=80)


def run(steps, queue):
    """Takes the steps: (server, person) brings something, None takes the next, a number has one of those go away.

    Yields what was taken, with what had been waiting until then.
    """
    waiting = []
    for number, step in enumerate(steps):
        if step is None:
            before, item = list(waiting), queue.take()
            if item is not None:
                waiting.remove(item)
            yield item, before
        elif isinstance(step, int):
            if step < len(waiting):
                assert queue.remove(*waiting[step][:2], waiting.pop(step))
        else:
            waiting.append((*step, number))
            queue.put(*step, waiting[-1])
        assert len(queue) == len(waiting)
        assert Counter({one: queue.waiting(one) for one in range(5)}) == Counter(one[0] for one in waiting)


@given(STEPS)
def test_nothing_is_lost_and_each_keeps_the_order(steps):
    """What waits is taken once, a person's own in the order it came; where nothing waits, nothing is taken."""
    for item, before in run(steps, FairQueue()):
        assert (item is None) == (not before)
        if item is not None:
            assert item == next(one for one in before if one[:2] == item[:2])


@given(STEPS, st.booleans())
def test_nobody_is_passed_over(steps, of_people):
    """Between two turns of a server every other server that waited all the while has one; and so the people in it."""
    queue: FairQueue[tuple[int, int, int]] = FairQueue()
    taken = [(item, before) for item, before in run(steps, queue) if item is not None]
    groups = [None] if not of_people else list(range(1, 5))
    for group in groups:
        turns = [one for one in taken if group in (None, one[0][0])]
        key = (lambda item: item[1]) if of_people else (lambda item: item[0])
        for i, (item, before) in enumerate(turns):
            again = next((j for j in range(i + 1, len(turns)) if key(turns[j][0]) == key(item)), None)
            if again is None:
                continue
            # Who waited at both turns and with the same thing, waited all the while.
            present = [set(now) for _, now in turns[i : again + 1]]
            stayed = {one for one in set.intersection(*present) if group in (None, one[0]) and key(one) != key(item)}
            between = {key(one) for one, _ in turns[i + 1 : again]}
            assert {key(one) for one in stayed} <= between
            assert item in before


@given(st.lists(st.tuples(SERVERS, PEOPLE), max_size=40))
def test_a_burst_delays_others_by_one(brought):
    """Whoever comes last waits for at most one of each other server, and of each other person in the same one."""
    queue: FairQueue[str] = FairQueue()
    for server, person in brought:
        queue.put(server, person, "early")
    queue.put(1, 99, "late")
    servers = {server for server, _ in brought} | {1}
    others = {person for server, person in brought if server == 1}
    assert queue.clear().index("late") < len(servers) * (len(others) + 1)
    assert len(queue) == 0 and queue.take() is None
