//! Fields that have got presence (`optional`): messages of before and of now read each other. buf.yaml excepts these
//! changes from its rule about cardinality.

#![allow(clippy::unwrap_used)]

use prost::Message;
use rollcall_proto::v1;

/// `DataCapture` before its fields had presence.
#[derive(Clone, PartialEq, Message)]
struct OldDataCapture {
    #[prost(bool, tag = "1")]
    web_conferences_recorded: bool,
    #[prost(bool, tag = "4")]
    emails_imported: bool,
}

/// `MassChangeLimit` before its fields had presence.
#[derive(Clone, PartialEq, Message)]
struct OldMassChangeLimit {
    #[prost(int32, tag = "1")]
    members: i32,
    #[prost(int32, tag = "2")]
    percent: i32,
}

/// `Settings.home_workspace` before it had presence.
#[derive(Clone, PartialEq, Message)]
struct OldSettings {
    #[prost(string, tag = "2")]
    home_workspace: String,
}

/// `Organization.wave` before it had presence.
#[derive(Clone, PartialEq, Message)]
struct OldOrganization {
    #[prost(int32, tag = "10")]
    wave: i32,
}

fn read<M: Message + Default>(message: &impl Message) -> M {
    M::decode(message.encode_to_vec().as_slice()).unwrap()
}

#[test]
fn new_messages_read_old_ones() {
    let capture = OldDataCapture { web_conferences_recorded: true, emails_imported: false };
    let read_capture = v1::DataCapture { web_conferences_recorded: Some(true), ..Default::default() };
    assert_eq!(read::<v1::DataCapture>(&capture), read_capture);
    let limit = OldMassChangeLimit { members: 0, percent: 20 };
    assert_eq!(read::<v1::MassChangeLimit>(&limit), v1::MassChangeLimit { members: None, percent: Some(20) });
    let settings = OldSettings { home_workspace: "emea".to_owned() };
    assert_eq!(read::<v1::Settings>(&settings).home_workspace.as_deref(), Some("emea"));
    assert_eq!(read::<v1::Organization>(&OldOrganization { wave: 3 }).wave, Some(3));
    assert_eq!(read::<v1::Organization>(&OldOrganization { wave: 0 }).wave, None);
}

#[test]
fn old_messages_read_new_ones() {
    let capture =
        v1::DataCapture { web_conferences_recorded: Some(true), emails_imported: Some(false), ..Default::default() };
    let read_capture = OldDataCapture { web_conferences_recorded: true, emails_imported: false };
    assert_eq!(read::<OldDataCapture>(&capture), read_capture);
    let limit = v1::MassChangeLimit { members: Some(0), percent: Some(20) };
    assert_eq!(read::<OldMassChangeLimit>(&limit), OldMassChangeLimit { members: 0, percent: 20 });
    let settings = v1::Settings { home_workspace: Some(String::new()), ..Default::default() };
    assert_eq!(read::<OldSettings>(&settings).home_workspace, "");
    let organization = v1::Organization { wave: Some(0), ..Default::default() };
    assert_eq!(read::<OldOrganization>(&organization).wave, 0);
}
