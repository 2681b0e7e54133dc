//! What a policy may decide.

use crate::flow::ModuleSet;
use crate::policy::{MOST_ALTERNATIVES, MOST_STEPS};

/// Holds the steps that a policy decided on against what it may. `required`: the steps of the configuration,
/// when it may not leave any of them out.
///
/// # Errors
/// The reason code, and what is wrong.
pub(super) fn check(
    modules: &ModuleSet,
    steps: &[Vec<String>],
    required: Option<&[Vec<String>]>,
) -> Result<(), (&'static str, String)> {
    let is_count = steps.len() <= MOST_STEPS && steps.iter().all(|step| step.len() <= MOST_ALTERNATIVES);
    if !is_count {
        let most = format!("{MOST_STEPS} steps of {MOST_ALTERNATIVES} at most");
        return Err(("policy.steps.too-many", most));
    }
    let Some(first) = steps.first().filter(|_| steps.iter().all(|step| !step.is_empty())) else {
        return Err(("policy.steps.empty", "no steps, or one that nobody can do".into()));
    };
    for step in steps {
        for (place, name) in step.iter().enumerate() {
            if modules.authenticator(name).is_none() {
                return Err(("policy.authenticator.unknown", format!("{name:?} is not switched on")));
            }
            if step.iter().take(place).any(|earlier| earlier == name) {
                return Err(("policy.steps.twice", format!("{name:?} stands in a step twice")));
            }
        }
    }
    let identifies = |name: &String| {
        modules.authenticator(name).is_some_and(|enabled| enabled.module.description().identifies)
    };
    if let Some(name) = first.iter().find(|name| !identifies(name)) {
        let detail = format!("{name:?} confirms somebody who is known already, and is in the first step");
        return Err(("policy.steps.unidentified", detail));
    }
    match required {
        Some(required) if !covers(required, steps) => {
            let detail = "it leaves out what the configuration asks for, and may_relax is not set";
            Err(("policy.steps.relaxed", detail.into()))
        }
        _ => Ok(()),
    }
}

/// Whether whoever goes through `steps` has gone through `required`: for each of these in their order a step
/// of its own with the same alternatives or fewer.
pub(super) fn covers(required: &[Vec<String>], steps: &[Vec<String>]) -> bool {
    uncovered(required, steps).is_empty()
}

/// The steps, and after them what of `before` they leave out.
pub(in crate::flow) fn joined(before: &[Vec<String>], steps: Vec<Vec<String>>) -> Vec<Vec<String>> {
    let missing: Vec<_> = uncovered(before, &steps).into_iter().cloned().collect();
    [steps, missing].concat()
}

/// Those of `steps` that stand for none of `required`: what the policy asks for beyond it.
pub(super) fn beyond(required: &[Vec<String>], steps: &[Vec<String>]) -> Vec<Vec<String>> {
    let stands = standing_for(required, steps);
    let own = steps.iter().zip(stands).filter(|(_, stands)| !stands);
    own.map(|(step, _)| step.clone()).collect()
}

/// Which of `steps` stand for one of `required`, as [`covers`] counts.
pub(in crate::flow) fn standing_for(required: &[Vec<String>], steps: &[Vec<String>]) -> Vec<bool> {
    let mut stands = vec![false; steps.len()];
    let mut from = 0;
    for wanted in required {
        if let Some(at) = next(wanted, steps, from) {
            from = at.saturating_add(1);
            if let Some(stands) = stands.get_mut(at) {
                *stands = true;
            }
        }
    }
    stands
}

fn uncovered<'r>(required: &'r [Vec<String>], steps: &[Vec<String>]) -> Vec<&'r Vec<String>> {
    let mut from = 0;
    let mut missing = Vec::new();
    for wanted in required {
        match next(wanted, steps, from) {
            Some(at) => from = at.saturating_add(1),
            None => missing.push(wanted),
        }
    }
    missing
}

/// The first step from there on that is no weaker than the wanted one.
fn next(wanted: &[String], steps: &[Vec<String>], from: usize) -> Option<usize> {
    let is_no_weaker = |step: &Vec<String>| !step.is_empty() && step.iter().all(|name| wanted.contains(name));
    let found = steps.iter().skip(from).position(is_no_weaker)?;
    found.checked_add(from)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steps(text: &str) -> Vec<Vec<String>> {
        text.split(';')
            .filter(|step| !step.is_empty())
            .map(|step| step.split(',').map(Into::into).collect())
            .collect()
    }

    #[test]
    fn more_steps_and_fewer_alternatives_are_stricter_and_nothing_else_is() {
        for (required, decided) in [
            ("a", "a"),
            ("a,b", "b"),
            ("a;b", "a;c;b"),
            ("a;b,c", "a;c"),
            ("a;b", "c;a;b"),
            ("a,b;a,b", "a;b"),
        ] {
            assert!(covers(&steps(required), &steps(decided)), "{required} by {decided}");
        }
        for (required, decided) in
            [("a;b", "a"), ("a", "a,b"), ("a;b", "b;a"), ("a;b", "a;c"), ("a;a", "a"), ("a", "")]
        {
            assert!(!covers(&steps(required), &steps(decided)), "{required} by {decided}");
        }
    }

    #[test]
    fn what_was_decided_before_stays() {
        for (before, now, together) in [
            ("a;b", "a", "a;b"),
            ("a;b", "a;b;c", "a;b;c"),
            ("a;b", "a;c", "a;c;b"),
            ("a;b,c", "a;b", "a;b"),
            ("a;b", "a;b,c", "a;b,c;b"),
            ("", "a", "a"),
        ] {
            assert_eq!(joined(&steps(before), steps(now)), steps(together), "{before} and {now}");
        }
    }

    #[test]
    fn a_step_of_the_policys_own_stands_for_none_of_the_configuration() {
        assert_eq!(standing_for(&steps("a;b,c"), &steps("a;d;c")), [true, false, true]);
        assert_eq!(standing_for(&steps("a"), &steps("a;a")), [true, false]);
    }
}
