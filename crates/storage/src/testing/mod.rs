//! The conformance suite: every store passes all of it.
//!
//! A crate that implements [`Store`](crate::Store) writes, in a test:
//!
//! ```text
//! callbox_storage::store_conformance!(make_store);
//! ```
//!
//! where `make_store` is a function from a [`CommitListener`] to a new, empty `Arc<dyn Store>`. Each case becomes a test
//! of its own. What the port promises, a case here holds every store to.

mod accounts;
mod apps;
mod calls;
mod conversations;
mod erase;
mod events;
mod isolation;
mod messages;
mod model;
mod people;
mod prune;
mod sessions;
mod world;
mod writes;

use std::sync::Arc;

use crate::{CommitListener, Store};

/// Makes a new, empty store.
pub type MakeStore = dyn Fn(CommitListener) -> Arc<dyn Store>;

/// Turns every case of the suite into a `#[test]` on stores made by the function `$make`.
#[macro_export]
macro_rules! store_conformance {
    ($make:path) => {
        $crate::store_cases! { store_tests ($make) }
    };
}

/// Runs the case `name`; for [`store_conformance!`].
#[doc(hidden)]
pub fn run(name: &str, make: &MakeStore) {
    let (_, case) = CASES.iter().find(|(known, _)| *known == name).expect("a case of the list");
    case(make);
}

/// The one list of cases, handed to another macro. A case that is missing here is dead code.
#[doc(hidden)]
#[macro_export]
macro_rules! store_cases {
    ($callback:ident $arguments:tt) => {
        $crate::$callback! { $arguments
            writes: a_write_answers_what_its_closure_returned;
            writes: a_write_sees_its_own_writes;
            writes: a_refusal_leaves_nothing;
            writes: a_panic_leaves_nothing;
            writes: a_failed_verb_undoes_the_whole_write;
            writes: neighbours_of_a_refusal_and_a_panic_stay;
            writes: a_refusal_undoes_what_was_appended_before_other_verbs;
            writes: a_caller_that_went_away_does_not_cancel;
            writes: a_read_fails_alone;
            writes: events_are_announced_after_the_commit_in_order;
            writes: a_new_store_is_healthy_and_empty;
            apps: apps_have_numbers;
            apps: keys_are_rows_by_generation;
            apps: a_key_expires;
            people: a_user_is_added_once;
            people: users_come_in_pages;
            people: identities_lead_to_users;
            people: last_seen_never_goes_back;
            sessions: a_session_is_found_by_its_token;
            sessions: an_ended_session_keeps_its_first_reason;
            accounts: an_app_changes;
            accounts: a_user_is_blocked_and_let_in_again;
            accounts: an_identity_is_removed;
            accounts: a_renewed_session_has_two_tokens_for_a_while;
            accounts: open_sessions_are_listed_last_used_first;
            accounts: ended_sessions_are_a_numbered_list;
            accounts: a_password_is_set_and_replaced;
            accounts: access_tokens_are_found_by_hash_and_removed;
            accounts: device_credentials_open_sessions;
            accounts: a_one_time_token_is_taken_once;
            accounts: what_was_used_once_is_remembered_until_it_expires;
            accounts: the_audit_log_is_read_newest_first;
            conversations: a_conversation_has_members;
            conversations: a_direct_conversation_is_found_in_either_order;
            conversations: a_group_is_not_direct;
            conversations: conversations_are_listed_latest_first;
            conversations: conversations_come_in_pages;
            conversations: a_summary_shows_members_newest_message_and_unread_count;
            messages: messages_get_dense_positions;
            messages: a_message_moves_its_conversation_forward;
            messages: a_message_knows_the_other_one;
            messages: messages_come_in_pages;
            messages: a_message_needs_a_conversation_and_a_new_id;
            messages: positions_are_dense_under_concurrency;
            messages: one_of_two_equal_messages_wins;
            messages: watermarks_rise_and_never_fall;
            messages: reading_implies_delivery;
            messages: watermarks_end_at_the_newest_message;
            messages: strangers_have_no_watermarks;
            events: events_are_numbered_per_user;
            events: events_are_dense_under_concurrency;
            events: events_tell_the_present;
            events: events_come_in_pages;
            events: heads_are_those_of_the_mailboxes;
            events: an_event_needs_a_mailbox;
            events: positions_in_events_are_those_of_others;
            prune: old_events_go_and_the_numbers_go_on;
            prune: events_beyond_the_count_go;
            prune: pruning_takes_small_parts;
            prune: a_log_loses_its_beginning_only;
            calls: a_call_is_added_once;
            calls: a_call_changes_and_ends;
            calls: live_calls_are_listed;
            calls: a_timeline_keeps_its_order;
            calls: signals_live_as_long_as_the_call;
            erase: others_can_read_after_every_part_of_an_erasure;
            erase: a_tombstone_takes_the_place_of_an_erased_user;
            erase: nothing_is_left_for_whoever_gets_the_id_next;
            erase: an_erasure_begins_once_and_keeps_the_user_out;
            erase: an_erasure_stays_in_its_app;
            isolation: people_and_sessions_stay_in_their_app;
            isolation: conversations_stay_in_their_app;
            isolation: events_stay_in_their_app;
            isolation: calls_stay_in_their_app;
            model: random_histories_match_the_model;
        }
    };
}

/// A test for each case.
#[doc(hidden)]
#[macro_export]
macro_rules! store_tests {
    (($make:path) $($module:ident: $case:ident;)*) => {
        $(
            #[test]
            fn $case() {
                $crate::testing::run(stringify!($case), &$make);
            }
        )*
    };
}

/// A table of all cases.
#[doc(hidden)]
#[macro_export]
macro_rules! store_case_table {
    (() $($module:ident: $case:ident;)*) => {
        &[$((stringify!($case), $module::$case)),*]
    };
}

/// A name and the function that plays it.
type Case = (&'static str, fn(&MakeStore));

const CASES: &[Case] = store_cases! { store_case_table () };
