//! Doubts: held, bought again, outlived, resolved.

use super::*;

#[test]
fn under_strict_a_proxys_5xx_is_in_doubt_and_the_gateways_own_is_not() {
    let strict = Rules { strict: true, ..RULES };
    for status in [502, 504, 520, 521, 522, 523, 524] {
        let told = told(&submitting(), server_error(status), &strict);
        assert_eq!(told, ("in_doubt", Some(Account::Reserved), Next::Rest), "{status}");
    }
    for status in [500, 503, 519, 525] {
        assert_eq!(told(&submitting(), server_error(status), &strict).0, "queued", "{status}");
    }
}

#[test]
fn a_doubt_is_held_or_bought_again_as_the_user_said_and_its_price_stays_reserved() {
    let resubmit = Rules { on_doubt: OnDoubt::Resubmit, ..RULES };
    for event in [
        ShotEvent::Answered(SubmitOutcome::Doubtful { why: why(), answer: None }),
        ShotEvent::FoundSubmitting,
    ] {
        let held = told(&submitting(), event.clone(), &RULES);
        assert_eq!(held, ("in_doubt", Some(Account::Reserved), Next::Rest));
        let again = told(&submitting(), event, &resubmit);
        let queue = Next::Requeue(Backoff::None);
        assert_eq!(again, ("in_doubt", Some(Account::Reserved), queue), "until it is bought");
    }
    assert_eq!(told(&in_doubt(), ShotEvent::Claim, &resubmit).2, Next::Post);
    assert!(in_doubt().after(ShotEvent::Claim, at(1), &RULES).is_err());
}

#[test]
fn a_shot_that_was_not_bought_again_is_in_doubt_as_before() {
    let resubmit = Rules { on_doubt: OnDoubt::Resubmit, ..RULES };
    let again = in_doubt().after(ShotEvent::Claim, at(1), &resubmit).unwrap().to;
    let again = again.with_attempt(SECOND);
    assert_eq!(again.resubmits, 1);
    for (answer, account, refusals) in [
        (SubmitOutcome::NotSent { why: why() }, Account::Released, 0),
        (
            SubmitOutcome::Throttled { is_money: false, retry_after: None, why: why() },
            Account::Released,
            0,
        ),
        (SubmitOutcome::NoCredit { why: why() }, Account::Released, 0),
        (
            SubmitOutcome::ServerError {
                status: 500,
                from_proxy: false,
                retry_after: None,
                why: why(),
            },
            Account::Unconfirmed,
            1,
        ),
    ] {
        let step = again.after(ShotEvent::Answered(answer), at(2), &resubmit).unwrap();
        assert_eq!(step.to, RevisionState { refusals, ..in_doubt() });
        let change = step.change.unwrap();
        assert_eq!((change.attempt, change.account), (SECOND, account));
    }
    let cut = ShotEvent::Answered(SubmitOutcome::Doubtful { why: why(), answer: None });
    let step = again.after(cut, at(2), &resubmit).unwrap();
    assert!(matches!(step.to.state, State::InDoubt { attempt: SECOND, .. }));
    assert_eq!(step.to.resubmits, 1);
}

#[test]
fn a_doubt_outlives_that_it_was_sent_again_and_refused_for_good() {
    let resubmit = Rules { on_doubt: OnDoubt::Resubmit, ..RULES };
    let again = RevisionState { refusals: 2, ..in_doubt() };
    let again = again.after(ShotEvent::Claim, at(1), &resubmit).unwrap().to;
    let again = again.with_attempt(SECOND);
    let refused = SubmitOutcome::ServerError {
        status: 500,
        from_proxy: false,
        retry_after: None,
        why: why(),
    };
    let rejected = SubmitOutcome::Rejected { why: why() };
    for (answer, account, refusals, said) in [
        (refused, Account::Unconfirmed, 3, "refused 3 times, the last time with: because"),
        (rejected, Account::Released, 2, "rejected: because"),
    ] {
        let step = again.after(ShotEvent::Answered(answer), at(2), &resubmit).unwrap();
        let State::InDoubt { attempt: FIRST, why } = &step.to.state else { panic!("{step:?}") };
        assert_eq!(why.as_ref(), format!("cut; sent again and {said}"));
        assert_eq!((step.to.refusals, step.to.resubmits), (refusals, 1));
        assert_eq!(step.then, Next::Rest);
        let change = step.change.unwrap();
        assert_eq!((change.attempt, change.account), (SECOND, account));
        assert!(step.to.after(ShotEvent::RetryFailed, at(3), &resubmit).is_err());
        assert_eq!(step.to.is_bought_again(&resubmit), refusals < 3);
        let armed = step.to.after(ShotEvent::Resolved(not_bought()), at(3), &resubmit);
        let armed = armed.unwrap().to;
        assert_eq!((armed.state.name(), armed.refusals, armed.resubmits), ("queued", 0, 0));
    }
}

#[test]
fn buying_again_by_itself_ends_after_as_many_doubts_as_attempts_allows() {
    let resubmit = Rules { on_doubt: OnDoubt::Resubmit, ..RULES };
    let tired = RevisionState { resubmits: 3, ..submitting() };
    let doubt = ShotEvent::Answered(SubmitOutcome::Doubtful { why: why(), answer: None });
    let held = tired.after(doubt, at(1), &resubmit).unwrap();
    assert_eq!((held.to.state.name(), held.then), ("in_doubt", Next::Rest));
    assert!(held.to.after(ShotEvent::Claim, at(1), &resubmit).is_err());
}

#[test]
fn a_doubt_resolved_after_a_week_is_expired_when_its_clip_is_gone() {
    let late = at(8 * 24 * 3600);
    let after = |job: &RevisionState, event| job.after(event, late, &RULES).unwrap().to;
    let job = after(&in_doubt(), ShotEvent::Resolved(Resolution::Task(found())));
    let done = PollOutcome::Completed { urls: vec!["u".into()], completed_at: Some(at(60)) };
    let job = after(&job, ShotEvent::Polled(done));
    assert!(matches!(job.state, State::Rendered { completed_at, .. } if completed_at == at(60)));
    let job = after(&job, ShotEvent::NotFetched(DownloadError::Gone { why: why() }));
    assert!(matches!(job.state, State::Failed { failure: Failure::Expired, .. }), "{job:?}");
}
