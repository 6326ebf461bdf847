use super::*;
use crate::discord::routes;

fn headers(limit: u32, remaining: u32, reset_after: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert("x-ratelimit-bucket", "abc".parse().unwrap());
    headers.insert("x-ratelimit-limit", limit.into());
    headers.insert("x-ratelimit-remaining", remaining.into());
    headers.insert("x-ratelimit-reset-after", reset_after.parse().unwrap());
    headers
}

fn go(limits: &mut RateLimits, now: UnixMillis, route: &Route) -> Permit {
    match limits.admit(now, route, 0) {
        Verdict::Go(permit) => permit,
        other => panic!("expected to go, got {other:?}"),
    }
}

#[test]
fn a_clock_that_is_set_back_makes_no_wait_longer() {
    let mut limits = RateLimits::default();
    let route = routes::current_user();
    let hour = 3_600_000;
    let permit = go(&mut limits, 2 * hour, &route);
    let mut headers = HeaderMap::new();
    for (name, value) in [
        ("x-ratelimit-limit", "1"),
        ("x-ratelimit-remaining", "0"),
        ("x-ratelimit-reset-after", "5"),
    ] {
        headers.insert(name, value.parse().unwrap());
    }
    limits.answered(2 * hour, &route, &permit, &headers, &Answer::Success);
    let wait = |limits: &mut RateLimits, now| match limits.admit(now, &route, 0) {
        Verdict::WaitUntil(until) => until - now,
        _ => 0,
    };
    let before = wait(&mut limits, 2 * hour + 1_000);
    assert!((4_000..=5_000).contains(&before), "{before}");
    assert_eq!(wait(&mut limits, hour), before);
    assert_eq!(wait(&mut limits, hour + 5_000), 0);
}

#[test]
fn an_unknown_bucket_has_one_request_at_a_time() {
    let mut limits = RateLimits::default();
    let route = routes::create_message(1);
    let permit = go(&mut limits, 0, &route);
    assert_eq!(limits.admit(0, &route, 0), Verdict::WaitForAnswer);
    limits.answered(10, &route, &permit, &headers(5, 4, "5.0"), &Answer::Success);
    for _ in 0..4 {
        go(&mut limits, 10, &route);
    }
    assert_eq!(limits.admit(10, &route, 0), Verdict::WaitUntil(5_010));
}

#[test]
fn a_reserve_is_left_to_those_who_ask_without() {
    let mut limits = RateLimits::default();
    let route = routes::create_message(1);
    let permit = go(&mut limits, 0, &route);
    limits.answered(0, &route, &permit, &headers(5, 4, "5.0"), &Answer::Success);
    for _ in 0..2 {
        assert_eq!(limits.room_at(0, &route, 2), 0);
        assert!(matches!(limits.admit(0, &route, 2), Verdict::Go(_)));
    }
    assert_eq!(limits.admit(0, &route, 2), Verdict::WaitUntil(5_000));
    for _ in 0..2 {
        go(&mut limits, 0, &route);
    }
    assert_eq!(limits.admit(0, &route, 0), Verdict::WaitUntil(5_000));
    assert_eq!(limits.room_at(0, &route, 2), 5_000);
    // A limit of one leaves nothing to reserve.
    let other = routes::create_message(2);
    let permit = go(&mut limits, 0, &other);
    limits.answered(0, &other, &permit, &headers(1, 1, "5.0"), &Answer::Success);
    assert!(matches!(limits.admit(0, &other, 2), Verdict::Go(_)));
}

#[test]
fn the_same_hash_in_another_channel_is_another_bucket() {
    let mut limits = RateLimits::default();
    let first = routes::create_message(1);
    let permit = go(&mut limits, 0, &first);
    limits.answered(0, &first, &permit, &headers(1, 0, "9"), &Answer::Success);
    assert_eq!(limits.admit(1, &first, 0), Verdict::WaitUntil(9_000));
    go(&mut limits, 1, &routes::create_message(2));
}

#[test]
fn answers_to_many_interactions_do_not_wait_for_each_other() {
    let mut limits = RateLimits::default();
    for n in 0..2_000 {
        let route = routes::edit_original(1, &format!("token{n}"));
        let permit = go(&mut limits, n, &route);
        limits.answered(n, &route, &permit, &headers(5, 0, "2"), &Answer::Success);
        assert_eq!(limits.admit(n, &route, 0), Verdict::WaitUntil(n + 2_000));
    }
    go(&mut limits, 10_000, &routes::edit_original(1, "another"));
    assert_eq!(limits.buckets.len(), 1, "those that are over are forgotten");
}

#[test]
fn a_429_closes_its_bucket_and_a_global_one_closes_all_but_interactions() {
    let mut limits = RateLimits::default();
    let route = routes::create_message(1);
    let permit = go(&mut limits, 0, &route);
    let limited = |global| Answer::Limited {
        retry_after_ms: 700,
        global,
    };
    limits.answered(0, &route, &permit, &HeaderMap::new(), &limited(false));
    assert_eq!(limits.admit(0, &route, 0), Verdict::WaitUntil(700));
    let other = routes::create_message(2);
    let permit = go(&mut limits, 0, &other);
    limits.answered(0, &other, &permit, &HeaderMap::new(), &limited(true));
    assert_eq!(
        limits.admit(0, &routes::guild_channels(3), 0),
        Verdict::WaitUntil(700)
    );
    go(&mut limits, 0, &routes::edit_original(1, "token"));
}

#[test]
fn a_block_backs_off_longer_each_time_up_to_an_hour() {
    let mut limits = RateLimits::default();
    let route = routes::current_user();
    let mut now = 0;
    let mut waits = Vec::new();
    for _ in 0..8 {
        let permit = go(&mut limits, now, &route);
        limits.answered(now, &route, &permit, &HeaderMap::new(), &Answer::Blocked);
        let Verdict::Blocked(until) = limits.admit(now, &route, 0) else {
            panic!("not blocked")
        };
        waits.push((until - now) / 60_000);
        now = until;
    }
    assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60]);
}

#[test]
fn a_lost_request_keeps_its_place_until_the_window_ends() {
    let mut limits = RateLimits::default();
    let route = routes::create_message(1);
    let permit = go(&mut limits, 0, &route);
    limits.answered(0, &route, &permit, &headers(2, 1, "5"), &Answer::Success);
    let permit = go(&mut limits, 1, &route);
    limits.lost(&permit);
    assert_eq!(limits.admit(2, &route, 0), Verdict::WaitUntil(5_000));
    go(&mut limits, 5_000, &route);
}

#[test]
fn answers_to_interactions_leave_connections_to_others() {
    let mut limits = RateLimits::default();
    let answer = |token| routes::edit_original(1, token);
    let first = go(&mut limits, 0, &answer("a"));
    let second = go(&mut limits, 0, &answer("b"));
    assert_eq!(limits.admit(0, &answer("c"), 0), Verdict::WaitForAnswer);
    go(&mut limits, 0, &routes::create_message(1));
    limits.lost(&first);
    let third = go(&mut limits, 0, &answer("c"));
    for permit in [second, third] {
        limits.answered(
            0,
            &answer("b"),
            &permit,
            &HeaderMap::new(),
            &Answer::Success,
        );
    }
    go(&mut limits, 0, &answer("d"));
}

#[test]
fn what_is_left_of_a_window_is_spread_over_it() {
    let mut limits = RateLimits::default();
    let route = routes::create_message(1);
    assert_eq!(limits.pace(0, &route, false), 0);
    assert_eq!(limits.pace(0, &route, true), 0);
    let paces = [
        (4, 0, 600),
        (3, 0, 750),
        (2, 1_000, 1_000),
        (1, 1_500, 1_500),
        (0, 3_000, 3_000),
    ];
    for (remaining, pace, in_a_crowd) in paces {
        let permit = go(&mut limits, 0, &route);
        let headers = headers(5, remaining, "3.0");
        limits.answered(0, &route, &permit, &headers, &Answer::Success);
        assert_eq!(limits.pace(0, &route, false), pace);
        assert_eq!(limits.pace(0, &route, true), in_a_crowd);
    }
    assert_eq!(limits.pace(3_000, &route, false), 0);
    assert_eq!(limits.pace(3_000, &route, true), 0);
}

#[test]
fn our_own_pace_stays_below_the_global_limit() {
    let mut limits = RateLimits::default();
    for channel in 0..u64::from(GLOBAL_PER_SECOND) {
        go(&mut limits, 5_000, &routes::create_message(channel));
    }
    assert_eq!(
        limits.admit(5_001, &routes::create_message(999), 0),
        Verdict::WaitUntil(6_000)
    );
}
