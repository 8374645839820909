"""What a kiosk must do against scams and for access: each demand with the tests that hold it.

A row without a test, or held only in part, says what is missing: `docs/reference/access.md` is made
from these rows, and `test_requirements.py` fails when a test that is named here is gone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

TITLE: Final = "Scams and access: what is demanded, and what holds it"
POLICY, WORDS = "scams/test_scam_policy.py", "scams/test_scam_words.py"
STEPS, DESK = "scams/test_scam_interventions.py", "kiosk/test_scam_desk.py"
SCREEN, FORMS, SPEECH = (f"screens/test_{name}.py" for name in ("browser", "forms", "speech"))
CALLS, SUSPICION = "kiosk/test_calls.py", "reports/test_suspicion.py"
ENGINE, CARE = "edge/test_engine.py", "edge/test_care_at_the_screen.py"
SLIPS, SIZES = "edge/test_slips.py", "screens/test_millimetres.py"
MM = f"{SIZES}::test_buttons_have_sixteen_millimetres_and_capitals_what_the_law_asks"
WHO = "edge/test_identity_at_the_screen.py"
EARS, JACK = "edge/test_listening.py", "devices/test_headphones.py"


@dataclass(frozen=True, slots=True)
class Demand:
    """One demand, the tests that fail without it (``file::name``), and what is missing."""

    says: str
    tests: tuple[str, ...] = ()
    missing: str = ""

    @property
    def held(self) -> str:
        """Say whether it is held: yes, partly, or no."""
        return ("partly" if self.missing else "yes") if self.tests else "no"


DEMANDS: Final = (
    Demand(
        "Answers may raise the step and never lower it.",
        (
            f"{POLICY}::test_answers_only_raise",
            f"{DESK}::test_answers_never_lower_what_the_signals_gave",
        ),
    ),
    Demand(
        "Order, wording (four or more) and options of the questions are random under a logged "
        "seed; nothing is selected beforehand.",
        (
            f"{WORDS}::test_a_seed_deals_the_same_again_and_others_differ",
            f"{STEPS}::test_the_seed_shows_the_same_words_again",
        ),
    ),
    Demand(
        "Five options or more; one page of a hold, which never shows what brought it about.",
        (
            f"{WORDS}::test_every_language_is_whole",
            f"{DESK}::test_the_page_of_a_hold_is_one_whatever_brought_it",
        ),
    ),
    Demand(
        "Questions are about the scene: who chose this machine, sent the code, is listening, "
        "told what to say.",
        (f"{WORDS}::test_every_language_is_whole",),
    ),
    Demand(
        "Questions are never on the loudspeaker and are answered by touch or key.",
        (f"{WORDS}::test_every_option_is_there_once_and_nothing_is_spoken_aloud",),
    ),
    Demand(
        "Silent help looks like Stop and returns the cash.",
        (
            f"{STEPS}::test_cancel_and_the_silent_call_for_help_differ_only_in_the_record",
            f"{CARE}::test_silent_help_looks_like_stop_and_an_operator_knows",
        ),
    ),
    Demand(
        '"My own wallet" lowers no risk; neither it nor a warning shown denies a claim.',
        (
            f"{POLICY}::test_my_own_wallet_lowers_nothing",
            "scams/test_scam_claims.py::test_no_claim_is_denied_on_these",
        ),
    ),
    Demand(
        "Signals of the operator's side fix the least step before any answer.",
        (
            f"{POLICY}::test_more_signals_never_give_less",
            f"{DESK}::test_one_question_left_out_is_enough_for_a_hold",
        ),
    ),
    Demand(
        "A first purchase to an address never seen, above a policy sum, is held with nothing "
        "broadcast.",
        (
            f"{POLICY}::test_a_first_large_purchase_to_a_new_address_is_held",
            f"{DESK}::test_much_to_a_new_address_is_held_though_no_machine_asked",
        ),
    ),
    Demand(
        "A hold is cancelled by one touch, or with the slip; all cash comes back with the "
        "fee; Stop is as large as the way forward.",
        (
            f"{DESK}::test_one_touch_stops_a_held_purchase_and_all_the_cash_is_owed",
            "web_console/test_public_page.py"
            "::test_who_has_the_paper_stops_a_held_purchase_and_is_owed_all_of_it",
            f"{SCREEN}::test_stop_is_as_large_as_the_way_forward",
        ),
    ),
    Demand(
        "Stop works on every page, also while a warning must be read.",
        (
            f"{CARE}::test_stop_works_while_a_warning_is_read",
            f"{EARS}::test_stop_works_while_the_voice_speaks_and_a_lost_voice_holds_nobody",
            f"{SCREEN}::test_stop_silences_the_voice_at_once_and_stops",
        ),
    ),
    Demand(
        "The way forward of a flagged step waits for a slow reader: words / 175 minutes.",
        (
            f"{WORDS}::test_a_slow_reader_has_time",
            f"{CARE}::test_a_warning_stands_for_its_reading_time_and_can_always_be_stopped",
            f"{EARS}::test_a_warning_waits_for_the_reader_and_for_the_end_of_the_voice",
        ),
    ),
    Demand(
        "Own warnings have 40 words at most and one script, and the button says the act; the "
        "law's words stand unaltered on a page of their own.",
        (
            f"{WORDS}::test_every_language_is_whole",
            f"{WORDS}::test_bad_words_are_found",
            "demo/test_demo_law.py::test_the_screen_follows_the_law_of_the_place",
        ),
    ),
    Demand(
        "Totals by person and address are looked at again with each note, over all machines; "
        "no step falls for 30 days after a flag.",
        (
            f"{STEPS}::test_notes_can_only_raise",
            f"{STEPS}::test_a_sum_split_over_machines_addresses_and_days_is_one_sum",
            f"{POLICY}::test_a_flag_stands_for_thirty_days",
        ),
    ),
    Demand(
        "Host and staff cannot split a sum or raise a limit; the host's card says refuse, do "
        "not debate.",
        (
            f"{DESK}::test_a_sum_split_over_machines_is_held_as_one",
            "kiosk/test_purchase.py::test_a_stolen_machine_lies_up_to_its_daily_cap_and_no_further",
        ),
    ),
    Demand(
        "A stop puts the address on the shared list at once, with an end and an appeal: held for "
        "all, and refused once confirmed.",
        (
            "kiosk/test_stops.py"
            "::test_a_flagged_stop_holds_the_address_on_every_machine_and_ends_by_itself",
            "kiosk/test_stops.py"
            "::test_stops_of_people_unknown_never_refuse_and_two_known_customers_do",
            "kiosk/test_stops.py::test_an_appeal_lifts_and_nobody_unknown_brings_it_back",
            "web_console/test_claims_pages.py"
            "::test_a_claim_blocks_its_destination_on_every_machine",
            "scams/test_scam_lists.py::test_an_appeal_lifts_and_the_old_entry_does_not_come_back",
        ),
    ),
    Demand(
        "A call back goes to a number from before the flag, proves itself by the slip's "
        "number, and only a reviewer releases.",
        (
            f"{POLICY}::test_a_call_goes_only_to_a_number_from_before_the_flag",
            "web_console/test_customers_pages.py::test_the_number_to_call_back",
            f"{DESK}::test_what_waits_for_a_person_no_timer_sends",
            f"{CALLS}::test_only_a_call_that_allows_it_lets_a_reviewer_release",
            f"{CALLS}::test_the_call_proves_itself_by_the_slip_and_by_who_opened_the_number",
        ),
    ),
    Demand(
        "How long a hold lasts is data by script; romance and investment go to a person, not "
        "to a timer.",
        (f"{POLICY}::test_a_timer_ends_no_romance",),
    ),
    Demand(
        "A report of suspicion is drafted also where the customer is the victim.",
        (
            "reports/test_cash_reports.py"
            "::test_a_narrative_has_the_key_term_and_is_in_the_vault_alone",
            f"{SUSPICION}::test_an_upheld_claim_drafts_a_report_for_an_officer_to_complete",
            f"{SUSPICION}::test_a_silent_call_for_help_drafts_one_with_the_cash_of_late",
        ),
    ),
    Demand(
        "Signals of pace are off in speech, large text and extra time; alone they reach a warning.",
        (
            f"{POLICY}::test_pace_alone_warns_at_most",
            "scams/test_scam_signals.py::test_pace_says_nothing_in_unhurried_modes",
        ),
    ),
    Demand(
        "Age alone never triggers, and the reader of the policy refuses it.",
        (
            f"{POLICY}::test_a_bad_policy_is_refused",
            "scams/test_scam_signals.py::test_no_fact_of_a_scene_is_an_age",
        ),
    ),
    Demand(
        "Buying, holding, stopping, claiming and refunding pass without sight, with 12 keys.",
        (
            f"{SCREEN}::test_a_whole_purchase_with_twelve_keys",
            f"{SPEECH}::test_ears_hear_what_eyes_read",
            f"{SLIPS}::test_a_held_purchase_is_stopped_with_its_paper_and_the_cash_is_owed",
            f"{SLIPS}::test_a_claim_begins_with_the_paper_once_and_says_the_laws_days",
            f"{SLIPS}::test_nothing_of_a_paper_is_on_the_loudspeaker_and_nothing_typed_stays",
        ),
    ),
    Demand(
        "Speech starts when headphones go in; a Braille label; keys marked as 707.6.",
        (
            f"{JACK}::test_in_and_out_by_the_kernels_bytes",
            f"{EARS}::test_headphones_begin_and_end_speech_and_what_is_private",
        ),
        "Label and marks belong to the casing; no real jack was at hand, only its bytes.",
    ),
    Demand(
        "Capitals of 4.8 mm, 0.7 degrees in large mode, contrast 4.5 to 1.",
        (
            f"{SCREEN}::test_axe_finds_nothing",
            f"{SCREEN}::test_doubled_text_loses_nothing",
            MM,
            f"{SIZES}::test_a_screen_that_is_too_small_is_refused_and_one_not_measured_is_told",
        ),
    ),
    Demand(
        "Targets of 16 mm; controls between 380 and 1220 mm; 22.2 N.",
        (f"{SCREEN}::test_every_page_fits_and_every_target_is_large", MM),
        "Reach and force belong to the casing.",
    ),
    Demand(
        "A time-out is seen and heard, gives 20 s and may be put off ten times; cash inside "
        "is given back or receipted.",
        (
            f"{ENGINE}::test_silence_is_asked_about_for_twenty_seconds_and_put_off_eleven_times",
            f"{ENGINE}::test_time_in_which_the_voice_speaks_is_no_silence",
            f"{ENGINE}::test_walking_away_with_cash_inside_keeps_it_and_prints_a_slip",
            f"{SCREEN}::test_a_time_out_is_heard_and_then_said_to_who_listens",
        ),
    ),
    Demand(
        "Private data is spoken in headphones alone; the volume goes back to 65 dBA.",
        (
            f"{WHO}::test_what_is_typed_is_not_read_on_the_loudspeaker",
            f"{SPEECH}::test_what_is_typed_is_heard_in_headphones_alone",
            f"{SPEECH}::test_a_question_is_heard_in_headphones_alone",
            f"{EARS}::test_each_visit_ends_with_the_set_loudness_and_without_a_voice",
            f"{SCREEN}::test_a_listener_hears_each_page_louder_or_quieter_and_typing_by_itself",
        ),
        "Which setting measures 65 dBA, whoever builds the machine must measure and set.",
    ),
    Demand(
        "No face or finger is the sole identification.",
        ("kiosk/test_customers.py::test_a_place_that_asks_what_this_server_cannot_take_is_closed",),
    ),
    Demand(
        "The slip is notched for touch and its content spoken.",
        (f"{SPEECH}::test_ears_hear_what_eyes_read",),
        "The page says what the slip says; a notch needs a printer that cuts one.",
    ),
    Demand(
        "A slip for money abroad: what 12 CFR 1005 subpart B lists, cancelled within 30 minutes.",
        missing=(
            "Not printed: no destination is known to be abroad, and whether the rule covers "
            "coins is open."
        ),
    ),
)
Table = Callable[[str, list[tuple[object, ...]]], list[str]]


def page(table: Table) -> list[str]:
    """Return the page's lines, with the table made by ``table``."""
    count = {word: sum(one.held == word for one in DEMANDS) for word in ("yes", "partly", "no")}
    said = ", ".join(f"{number} {word}" for word, number in count.items())
    rows: list[tuple[object, ...]] = [
        (at, one.says, one.held, "<br>".join(f"`{name}`" for name in one.tests), one.missing)
        for at, one in enumerate(DEMANDS, 1)
    ]
    return [
        f"Held of {len(DEMANDS)}: {said}.",
        "",
        *table("No., demand, held, tests, missing", rows),
    ]
