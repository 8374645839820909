"""Runs of the whole pipeline, month by month, in whole people; compiled.

Each run walks every cohort (a nationality) along ``ways.WAYS``. A share of each place is *marked*:
those who arrived after the start. Outflows carry it along evenly, which gives the fate of new
arrivals without a second run. Moves of a month are worked out from its beginning and made
together, so nobody moves twice in a month and nobody is lost.

Chance comes from ``chance``: any run of any cohort in any month can be worked out alone.
"""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np

from tallystick.whatif.chance import count, gaussian, key, normal, poisson, uniform
from tallystick.whatif.compiled import compiled
from tallystick.whatif.layout import MOVE_AT, MOVES
from tallystick.whatif.model import Place as P
from tallystick.whatif.ways import (
    DECIDING,
    FIRST,
    HEARING,
    KIND_OF,
    MOVE_OF,
    PLACE_OF,
    PLACING,
    REMOVING,
    SHORT,
    TO,
    W_CLEARED,
    W_DECIDE,
    W_FURTHER,
    W_GONE,
    W_HEAR,
    W_HUB,
    W_OFFER,
    W_READY,
    W_STOPPED,
    W_UPPER,
    W_WITHDRAW,
    WAYS,
    target,
)

Array = Any
PLACES: Final = len(P)
FROM: Final = np.array([int(old) for old, _, to_s in WAYS for _ in to_s])
MOVES_COUNT: Final = len(MOVES)
WAYS_COUNT: Final = len(WAYS)
TARGETS: Final = len(TO)
LIVE: Final = int(P.GRANTED)
"""Places below this number are left again; the others are ends."""

W, A, U, F, B, C, Q, H, X = (int(place) for place in list(P)[:LIVE])
WG, WA, WC, WB = (target(W_DECIDE, to) for to in (P.GRANTED, P.APPEAL, P.CLEARED, P.STOPPED))
AG, AW, AU, AC, AB = (target(W_HEAR, to) for to in WAYS[W_HEAR][2])
UG, UC, UB = (target(W_UPPER, to) for to in WAYS[W_UPPER][2])
FG, FA, FC, FB = (target(W_FURTHER, to) for to in WAYS[W_FURTHER][2])
BF, BL, BC = (target(W_STOPPED, to) for to in WAYS[W_STOPPED][2])
CF, CL, CQ = (target(W_CLEARED, to) for to in WAYS[W_CLEARED][2])
OF, OH = (target(W_OFFER, to) for to in WAYS[W_OFFER][2])
QF, QL = (target(W_READY, to) for to in WAYS[W_READY][2])
HB, HL, HO = (target(W_HUB, to) for to in WAYS[W_HUB][2])
M = {(old.name[0:3], new.name[0:3]): at for (old, new), at in MOVE_AT.items()}
M_WG, M_WX, M_WA, M_WC, M_WB = (M["WAI", to] for to in ("GRA", "WIT", "APP", "CLE", "STO"))
M_AG, M_AW, M_AU, M_AC, M_AB = (M["APP", to] for to in ("GRA", "WAI", "UPP", "CLE", "STO"))
M_UG, M_FG, M_FA = M["UPP", "GRA"], M["FUR", "GRA"], M["FUR", "APP"]
M_QH, M_HB, M_HO, M_HL = M["REA", "HUB"], M["HUB", "STO"], M["HUB", "ONW"], M["HUB", "LEF"]
M_BL, M_CL, M_QL, M_XL = (M[place, "LEF"] for place in ("STO", "CLE", "REA", "WIT"))
M_BR, M_CR, M_XR = (M[place, "RET"] for place in ("STO", "CLE", "WIT"))

DECIDE_SHARE_MAX: Final = 0.25
"""At most this share of those who wait is decided in a month: no claim is decided on arrival."""
HEAR_SHARE_MAX: Final = 0.5
WITHDRAW_MAX: Final = 0.5
RUNS_OWN: Final = 1023
"""The cohort number under which a run's own shocks are drawn."""
WALKS = CLAIMS, PACE, GRANTING, ALLOWING = 0, 1, 2, 3
EXHAUSTED, CLOSED, REMOVABLE, CLOSING, BOATS = 0, 1, 2, 3, 4
"""Rows of ``factors``: how stocks are spread over cohorts, and cohorts' relative rates."""
GIVEN = GIVEN_CLAIMS, GIVEN_DECIDED, GIVEN_DISPOSED, GIVEN_HEARD_SHARE = 0, 1, 2, 3
"""Rows of ``given``: what a month's figure is, where it is known; below zero where it is not."""
DRAW_WAY, DRAW_TARGET, DRAW_CLAIMS, DRAW_OWN = 0, 64, 128, 129


@compiled
def odds(logit: float) -> float:
    """Return the probability for log odds."""
    return 1.0 / (1.0 + math.exp(-logit))


@compiled
def steady(p: Any, cond: Array, hazard: Array, leave: float) -> None:
    """Set what is the same for all cohorts and months: hazards, and splits one after another."""
    gate = p.gate_share
    cond[WA], cond[WC] = p.appeal_share, gate
    cond[AU], cond[AC] = p.upper_share, gate
    hazard[W_UPPER] = 1.0 / p.upper_months
    cond[UG], cond[UC] = p.upper_allowed, gate
    hazard[W_FURTHER] = 1.0 / p.further_months
    cond[FG], cond[FA], cond[FC] = p.further_granted, p.further_fresh, gate
    passed = p.reask_month * gate
    hazard[W_STOPPED] = p.further_month + leave + passed
    cond[BF] = p.further_month / hazard[W_STOPPED]
    cond[BL] = leave / (leave + passed)
    hazard[W_CLEARED] = p.further_month + leave + 1.0 / p.papers_months
    cond[CF] = p.further_month / hazard[W_CLEARED]
    cond[CL] = leave / (leave + 1.0 / p.papers_months)
    cond[OF] = p.late_share
    hazard[W_READY] = p.further_month + leave
    cond[QF] = p.further_month / hazard[W_READY]
    hazard[W_HUB] = 1.0 / p.stay_months
    cond[HB], cond[HL] = p.back_share, p.home_share
    hazard[W_GONE] = leave


@compiled
def judge(p: Any, cond: Array, i: int, grant: float, allow: float) -> None:
    """Set a cohort's splits of decisions and of appeals for a quarter."""
    cond[WG, i] = grant
    cond[AG, i] = (1.0 - p.appeal_withdrawn) * allow
    cond[AW, i] = p.appeal_withdrawn * p.conceded / (1.0 - cond[AG, i])


@compiled
def allot(left: float, asking: Array, u: float, rest: Array) -> None:
    """Share out what is short in proportion to who asks: whole people, exactly ``left`` in all.

    Systematic rounding with one random start: nobody gets more than they ask for.
    """
    pool = asking.sum()
    if left > pool:
        left = pool
    upto, before = 0.0, math.floor(u)
    scale = left / pool if pool > 0 else 0.0
    for i in range(len(asking)):
        upto += asking[i]
        now = math.floor(upto * scale + u)
        rest[i] = now - before
        before = now


@compiled
def taken_by(
    way: int,
    place: int,
    n: Array,
    taken: Array,
    hazard: Array,
    cond: Array,
    rest: Array,
    flow: Array,
    at: Array,
) -> None:
    """Split those whom a way takes among its targets, one target after another."""
    cohorts = len(rest)
    for i in range(cohorts):
        taken[place, i] += rest[i]
    last = FIRST[way + 1] - 1
    for to in range(FIRST[way], last):
        for i in range(cohorts):
            some = count(rest[i], cond[to, i], at[i], DRAW_TARGET + to)
            rest[i] -= some
            flow[to, i] = some
    for i in range(cohorts):
        flow[last, i] = rest[i]


@compiled
def out_of(
    n: Array,
    hazard: Array,
    cond: Array,
    left: Array,
    starts: Array,
    at: Array,
    opened: bool,
    taken: Array,
    asking: Array,
    rest: Array,
    flow: Array,
) -> None:
    """Work out a month's moves of all cohorts, way by way."""
    cohorts = len(rest)
    taken[:] = 0.0
    for way in range(WAYS_COUNT):
        place, kind = PLACE_OF[way], KIND_OF[way]
        if (way in (W_OFFER, W_HUB)) and not opened:
            continue
        if kind == REMOVING:
            for i in range(cohorts):
                rest[i] = asking[place, i]
        elif kind >= 0:
            allot(left[kind], n[place], starts[kind], rest)
        else:
            for i in range(cohorts):
                rest[i] = count(n[place, i] - taken[place, i], hazard[way, i], at[i], way)
        taken_by(way, place, n, taken, hazard, cond, rest, flow, at)


@compiled
def remove_some(
    n: Array, left: float, u: float, remove: Array, asking: Array, pooled: Array
) -> None:
    """Share out enforced returns over STOPPED, CLEARED and WITHDRAWN of every cohort."""
    cohorts = len(remove)
    for i in range(cohorts):
        pooled[i] = math.floor(n[B, i] * remove[i])
        pooled[cohorts + i] = math.floor(n[C, i] * remove[i])
        pooled[2 * cohorts + i] = math.floor(n[X, i] * remove[i])
    allot(left, pooled, u, pooled)
    for i in range(cohorts):
        asking[B, i] = pooled[i]
        asking[C, i] = pooled[cohorts + i]
        asking[X, i] = pooled[2 * cohorts + i]


@compiled
def make(n: Array, new: Array, shares: Array, flow: Array, moved: Array, marked: Array) -> None:
    """Make a month's moves together, for everybody and for the marked share."""
    cohorts = n.shape[1]
    for place in range(LIVE):
        for i in range(cohorts):
            shares[place, i] = new[place, i] / max(n[place, i], 1.0)
    for to in range(TARGETS):
        old, goal, move = FROM[to], TO[to], MOVE_OF[to]
        sum_ = 0.0
        for i in range(cohorts):
            some = flow[to, i]
            part = some * shares[old, i]
            n[old, i] -= some
            n[goal, i] += some
            new[old, i] -= part
            new[goal, i] += part
            marked[move, i] += part
            sum_ += some
        moved[move] += sum_


@compiled
def start(p: Any, mix: Array, factors: Array, n: Array) -> None:
    """Fill the places with the stocks at the start, spread over cohorts."""
    for i in range(len(mix)):
        n[W, i] = math.floor(p.waiting_start * mix[i] + 0.5)
        n[A, i] = math.floor(p.appeals_start * p.people_per_appeal * factors[EXHAUSTED, i] + 0.5)
        exhausted = math.floor(p.exhausted_start * factors[EXHAUSTED, i] + 0.5)
        n[C, i] = math.floor(exhausted * p.gate_share + 0.5)
        n[B, i] = exhausted - n[C, i]
        n[X, i] = math.floor(p.withdrawn_start * factors[CLOSED, i] + 0.5)


@compiled
def walk(p: Any, k: Any, at: Array) -> None:
    """Take a quarter's step of a run's own random walks; their sizes are for a year."""
    at[CLAIMS] += 0.5 * p.claims_walk * gaussian(k, 0)
    at[PACE] += 0.5 * p.decide_walk * gaussian(k, 2)
    at[GRANTING] += 0.5 * p.grant_walk * gaussian(k, 4)
    at[ALLOWING] += 0.5 * p.allow_walk * gaussian(k, 6)


@compiled
def share_out(
    n: Array, p: Any, month: int, pace: float, given: Array, opened: bool, left: Array
) -> float:
    """Work out what there is to share this month; return the share of claims decided."""
    waiting, appealing, held = n[W].sum(), n[A].sum(), n[H].sum()
    output = given[GIVEN_DECIDED, month]
    if output < 0:
        output = p.decide_month * math.exp(pace)
    left[DECIDING] = math.floor(min(output, DECIDE_SHARE_MAX * waiting))
    cases = given[GIVEN_DISPOSED, month]
    if cases < 0:
        cases = p.hear_month * math.exp(p.hear_growth * min(month, p.hear_months_max) / 12.0)
    left[HEARING] = math.floor(min(cases * p.people_per_appeal, HEAR_SHARE_MAX * appealing))
    if given[GIVEN_HEARD_SHARE, month] >= 0:
        left[HEARING] = math.floor(given[GIVEN_HEARD_SHARE, month] * appealing)
    free = min(p.hub_places - held, p.hub_intake_month)
    left[PLACING] = math.floor(max(0.0, free)) if opened else 0.0
    left[REMOVING] = math.floor(p.remove_month)
    return left[DECIDING] / waiting if waiting > 0 else 0.0


@compiled
def record(o: Any, moved: Array) -> None:
    """Write a month's moves of all cohorts into its counts."""
    refused = moved[M_WA] + moved[M_WB] + moved[M_WC]
    heard = moved[M_AG] + moved[M_AU] + moved[M_AB] + moved[M_AC]
    o.decided = moved[M_WG] + refused
    o.granted = moved[M_WG]
    o.refused = refused
    o.withdrawn = moved[M_WX]
    o.appeals_lodged = moved[M_WA] + moved[M_FA]
    o.appeals_disposed = heard + moved[M_AW]
    o.appeals_allowed = moved[M_AG]
    o.sent = moved[M_QH]
    o.back = moved[M_HB]
    o.onward = moved[M_HO]
    o.left = moved[M_BL] + moved[M_CL] + moved[M_QL] + moved[M_XL] + moved[M_HL]
    o.returned = moved[M_BR] + moved[M_CR] + moved[M_XR]
    o.granted_later = moved[M_AG] + moved[M_UG] + moved[M_FG]


@compiled
def stock(o: Any, p: Any, n: Array) -> None:
    """Count the month's end: who waits where, who is supported, and who of them in hotels."""
    waiting, appealing, further = n[W].sum(), n[A].sum(), n[F].sum()
    ready = n[Q].sum()
    exhausted = n[B].sum() + n[C].sum() + ready
    o.waiting, o.appeals_open, o.further = waiting, appealing, further
    o.exhausted, o.ready, o.in_hub = exhausted, ready, n[H].sum()
    supported = p.supported_share * (waiting + appealing + n[U].sum())
    supported += p.exhausted_supported * (exhausted + further)
    o.supported = supported
    o.hotels = max(0.0, supported - p.housing_places)


@compiled
def arrive(
    p: Any,
    claims: float,
    mix: Array,
    boats: Array,
    opened: bool,
    keys: Array,
    n: Array,
    new: Array,
    marked: Array,
) -> float:
    """Let a month's people arrive; return how many. A hub's effect is on small boats alone."""
    arrived = 0.0
    for i in range(len(mix)):
        kept = 1.0 - p.deterrence * boats[i] * opened
        some = poisson(claims * mix[i] * kept, keys[i], DRAW_CLAIMS)
        n[W, i] += some
        new[W, i] += some
        marked[MOVES_COUNT, i] += some
        arrived += some
    return arrived


@compiled
def turn(
    p: Any,
    month: int,
    opened: bool,
    quarter: bool,
    at: Array,
    own: Array,
    keys: Array,
    grants: Array,
    allows: Array,
    cond: Array,
    hazard: Array,
) -> None:
    """Set rates and splits anew: at the start, each quarter, and when a hub opens."""
    leave = p.leave_month * (1.0 + p.encouragement * opened)
    shift = p.allow_shift + p.allow_trend * month / 12.0 + at[ALLOWING]
    for i in range(len(own)):
        steady(p, cond[:, i], hazard[:, i], leave)
        own[i] += 0.5 * p.grant_walk * normal(keys[i], DRAW_OWN) * quarter
        grant = grants[month, i] + p.grant_shift + at[GRANTING] + own[i]
        judge(p, cond, i, odds(grant), odds(allows[i] + shift))


@compiled
def one(
    seed: int,
    run: int,
    p: Any,
    mix: Array,
    mixes: Array,
    grants: Array,
    allows: Array,
    factors: Array,
    season: Array,
    given: Array,
    out: Array,
    total: Array,
    marked: Array,
    ends: Array,
) -> None:  # tidy: the month's order, read as one
    """Run one run of ``out.shape[0]`` months; ``ends`` receives where everybody is at the end."""
    cohorts, months = len(mix), out.shape[0]
    n, new = np.zeros((PLACES, cohorts)), np.zeros((PLACES, cohorts))
    taken, asking, shares = np.zeros_like(n), np.zeros_like(n), np.zeros_like(n)
    cond, flow = np.zeros((TARGETS, cohorts)), np.zeros((TARGETS, cohorts))
    hazard, pooled = np.zeros((WAYS_COUNT, cohorts)), np.zeros(3 * cohorts)
    moved, rest, own = np.zeros(MOVES_COUNT), np.zeros(cohorts), np.zeros(cohorts)
    left, starts, at = np.zeros(SHORT), np.zeros(SHORT), np.zeros(len(WALKS))
    keys = np.zeros(cohorts, np.uint64)
    start(p, mix, factors, n)
    for month in range(months):
        k = key(seed, run, RUNS_OWN, month)
        opened = month >= p.hub_opens_month and p.hub_places > 0
        quarter = month % 3 == 0 and month > 0
        for i in range(cohorts):
            keys[i] = key(seed, run, i, month)
        if quarter:
            walk(p, k, at)
        if quarter or month == 0 or month == p.hub_opens_month:
            turn(p, month, opened, quarter, at, own, keys, grants, allows, cond, hazard)
        for kind in range(SHORT):
            starts[kind] = uniform(k, 16 + kind)
        pace = share_out(n, p, month, at[PACE], given, opened, left)
        remove_some(n, left[REMOVING], starts[REMOVING], factors[REMOVABLE], asking, pooled)
        for i in range(cohorts):
            hazard[W_WITHDRAW, i] = min(WITHDRAW_MAX, p.withdraw_ratio * factors[CLOSING, i] * pace)
        out_of(n, hazard, cond, left, starts, keys, opened, taken, asking, rest, flow)
        make(n, new, shares, flow, moved, marked)
        claims = given[GIVEN_CLAIMS, month]
        if claims < 0:
            claims = p.claims_month * season[month % 12] * math.exp(at[CLAIMS])
        arrived = arrive(p, claims, mixes[month], factors[BOATS], opened, keys, n, new, marked)
        out[month].claims = arrived
        record(out[month], moved)
        stock(out[month], p, n)
        for move in range(MOVES_COUNT):
            total[move] += moved[move]
            moved[move] = 0.0
    for place in range(PLACES):
        for i in range(cohorts):
            ends[place, i] = n[place, i]


@compiled
def many(
    seed: int,
    first: int,
    runs: Array,
    mix: Array,
    mixes: Array,
    grants: Array,
    allows: Array,
    factors: Array,
    season: Array,
    given: Array,
    out: Array,
    total: Array,
    marked: Array,
    ends: Array,
) -> None:
    """Run a block of runs; ``first`` is the number of the first one."""
    for r in range(len(runs)):
        one(
            seed,
            first + r,
            runs[r],
            mix,
            mixes,
            grants,
            allows,
            factors,
            season,
            given,
            out[r],
            total[r],
            marked[r],
            ends[r],
        )
