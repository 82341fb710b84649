//! What `rollcall doctor` prints.

use rollcall_cli::doctor::difference_lines;
use rollcall_proto::v1::{CheckRule, Difference, SelfCheck};

#[test]
fn each_difference_is_one_line_and_the_others_are_counted() {
    let difference = Difference {
        rule: CheckRule::MemberHistory.into(),
        resource: "organizations/acme/members/m0001".to_owned(),
        message: "the member has no history".to_owned(),
    };
    let mut check = SelfCheck { difference_count: 1, differences: vec![difference], ..Default::default() };
    let line = "MEMBER_HISTORY organizations/acme/members/m0001: the member has no history";
    assert_eq!(difference_lines(&check), [line]);
    check.difference_count = 1_200;
    assert_eq!(difference_lines(&check), [line, "and 1199 more"]);
    assert_eq!(difference_lines(&SelfCheck::default()), Vec::<String>::new());
}
