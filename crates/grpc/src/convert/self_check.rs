//! Self-checks of organizations.

use rollcall_domain::{
    OrganizationId, names,
    self_check::{Difference, SelfCheck},
};
use rollcall_proto::v1;

use super::{enums::to_check_rule, to_timestamp};

pub(crate) fn to_self_check(organization: &OrganizationId, check: &SelfCheck) -> v1::SelfCheck {
    let differences = &check.differences;
    let rule = |(rule, count): (&_, &u32)| v1::RuleDifferences {
        rule: to_check_rule(*rule),
        difference_count: count.cast_signed(),
    };
    v1::SelfCheck {
        check_time: Some(to_timestamp(check.time)),
        difference_count: differences.total().cast_signed(),
        rules: differences.counts.iter().map(rule).collect(),
        differences: differences.kept.iter().map(|difference| to_difference(organization, difference)).collect(),
        ..to_unchecked(organization)
    }
}

/// The self-check of an organization that was never checked.
pub(crate) fn to_unchecked(organization: &OrganizationId) -> v1::SelfCheck {
    v1::SelfCheck { name: names::child(organization, "selfCheck"), ..Default::default() }
}

fn to_difference(organization: &OrganizationId, difference: &Difference) -> v1::Difference {
    v1::Difference {
        rule: to_check_rule(difference.rule),
        resource: difference.subject.resource(organization),
        message: difference.message.clone(),
    }
}
