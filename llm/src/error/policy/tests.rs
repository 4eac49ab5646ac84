use super::*;

fn row(kind: Kind, retries: Retries, next: Next, breaker: Breaks, pause: Pause) {
    assert_eq!(kind.policy(), Policy { retries, next, breaker, pause }, "{kind:?}");
}

#[test]
fn no_connection_is_tried_again_at_once_and_counts_against_the_endpoint() {
    row(Kind::Connect, Retries::AtOnceThenBackoff, Next::Any, Breaks::Endpoint, Pause::Nothing);
}

#[test]
fn a_failing_server_is_tried_again_twice_after_a_backoff_and_counts_against_the_model() {
    row(Kind::Upstream, Retries::Backoff, Next::Any, Breaks::Model, Pause::Nothing);
    assert_eq!(Kind::Upstream.policy().retries.max(), 2);
}

#[test]
fn a_timeout_before_the_answer_goes_to_the_next_target_and_counts_against_the_model() {
    for kind in [Kind::HeaderTimeout, Kind::FirstTokenTimeout] {
        row(kind, Retries::Never, Next::Any, Breaks::Model, Pause::Nothing);
    }
}

#[test]
fn a_broken_answer_counts_against_the_model() {
    for kind in [Kind::IdleTimeout, Kind::Cut, Kind::Malformed] {
        row(kind, Retries::Never, Next::Any, Breaks::Model, Pause::Nothing);
    }
}

#[test]
fn a_rate_limit_goes_to_a_sibling_credential_first_and_rests_the_credential_for_this_model() {
    row(Kind::RateLimited, Retries::IfTheWaitFits, Next::SiblingFirst, Breaks::Nothing, Pause::CredentialAndModel);
    assert_eq!(Kind::RateLimited.policy().retries.max(), 1);
}

#[test]
fn a_used_up_quota_rests_the_credential_for_long() {
    row(Kind::QuotaExhausted, Retries::Never, Next::Any, Breaks::Nothing, Pause::CredentialLong);
}

#[test]
fn a_refused_key_goes_to_a_sibling_credential_first_and_rests() {
    row(Kind::Unauthorized, Retries::Never, Next::SiblingFirst, Breaks::Nothing, Pause::Credential);
}

#[test]
fn an_unavailable_model_goes_to_the_next_target_and_rests_at_this_provider() {
    row(Kind::ModelUnavailable, Retries::Never, Next::Any, Breaks::Nothing, Pause::Model);
}

#[test]
fn a_conversation_that_is_too_long_goes_only_to_a_larger_window() {
    row(Kind::ContextLength, Retries::Never, Next::LargerWindow, Breaks::Nothing, Pause::Nothing);
}

#[test]
fn refused_content_goes_elsewhere_only_where_the_operator_allowed_it() {
    row(Kind::ContentPolicy, Retries::Never, Next::OptIn, Breaks::Nothing, Pause::Nothing);
}

#[test]
fn a_wrong_request_goes_nowhere() {
    for kind in [Kind::BadRequest, Kind::InvalidToolCall] {
        row(kind, Retries::Never, Next::Never, Breaks::Nothing, Pause::Nothing);
    }
}

#[test]
fn what_ends_on_our_side_goes_nowhere_and_harms_nobody() {
    for kind in [Kind::Cancelled, Kind::Refused, Kind::Deadline] {
        row(kind, Retries::Never, Next::Never, Breaks::Nothing, Pause::Nothing);
    }
}

#[test]
fn what_a_target_cannot_express_or_is_not_set_up_for_is_left_to_others_and_harms_nobody() {
    for kind in [Kind::Unsupported, Kind::Unavailable, Kind::Misconfigured] {
        row(kind, Retries::Never, Next::Any, Breaks::Nothing, Pause::Nothing);
    }
}
