//! Seats of many members, and seats under concurrent writers.

use std::time::{Duration, Instant};

use rollcall_proto::v1::{DirectoryMember, SyncDirectoryRequest, SyncDirectoryResponse, SyncMode};
use rollcall_testkit::TestServer;

use super::organization::{SeatChange, SeatOrganization, membership, row};

const CROWD: usize = 100_000;
const SEATS: i32 = 60_000;
/// The number of rows in a message of a stream.
const PIECE: usize = 5_000;

fn id(number: usize) -> String {
    format!("m{number:06}")
}

/// Makes a DELTA sync of these members, all in the group `sales`.
async fn sync(
    organization: &SeatOrganization<'_>,
    members: Vec<DirectoryMember>,
    join: bool,
) -> (SyncDirectoryResponse, Duration) {
    let pieces = members.chunks(PIECE).enumerate().map(|(number, rows)| {
        let joining = if join { rows } else { &[] };
        let message = SyncDirectoryRequest {
            members: rows.to_vec(),
            memberships: joining.iter().map(|row| membership(&row.member, "sales")).collect(),
            ..Default::default()
        };
        if number > 0 {
            return message;
        }
        SyncDirectoryRequest {
            parent: organization.org.name(),
            mode: SyncMode::Delta.into(),
            allow_mass_change: true,
            ..message
        }
    });
    let stream = tokio_stream::iter(pieces.collect::<Vec<_>>());
    let start = Instant::now();
    let answer = organization.server.directory().sync_directory(stream).await.unwrap().into_inner();
    assert_eq!(answer.rejected_count, 0);
    (answer, start.elapsed())
}

/// Returns the state of `gong`: the total, used and pending seats, and the first and last member with a pending seat.
async fn stand(organization: &SeatOrganization<'_>) -> (Option<i32>, i32, i32, Option<String>, Option<String>) {
    let gong = organization.gong().await;
    let sql = "SELECT min(member_id), max(member_id) FROM pending_seats WHERE organization_id = $1";
    let row = organization.server.database.client().await.query_one(sql, &[&organization.id]).await.unwrap();
    (gong.total, gong.used, gong.pending, row.get(0), row.get(1))
}

#[tokio::test(flavor = "multi_thread")]
async fn one_sync_of_a_hundred_thousand_members_for_sixty_thousand_seats() {
    let server = TestServer::start().await;
    // The statistics contain only another organization, so that a query plan for few rows would be chosen wrongly.
    let other = SeatOrganization::open(&server, "other", Some(1)).await;
    other.ask(&SeatChange::Come(&["a", "b", "c"], "sales"), false).await.unwrap();
    server.database.client().await.batch_execute("ANALYZE").await.unwrap();
    let organization = SeatOrganization::open(&server, "crowd", Some(SEATS)).await;
    let everybody = (0..CROWD).map(|number| row(&id(number), true)).collect();
    let (answer, first) = sync(&organization, everybody, true).await;
    let message = "40000 members of organizations/crowd/assignments/sales wait for the seat `gong`: the total of \
                   60000 is used up; raise the total or free some";
    assert_eq!(answer.warnings.iter().map(|warning| warning.message.as_str()).collect::<Vec<_>>(), [message]);
    assert_eq!(stand(&organization).await, (Some(SEATS), SEATS, 40_000, Some(id(60_000)), Some(id(99_999))));

    // The first 30,000 members, who hold a seat, and the last 5,000, whose seats are pending, become inactive.
    let leave = (0..30_000).chain(95_000..CROWD).map(|number| row(&id(number), false)).collect();
    let (_, freed) = sync(&organization, leave, false).await;
    assert_eq!(stand(&organization).await, (Some(SEATS), SEATS, 5_000, Some(id(90_000)), Some(id(94_999))));

    let (_, one) = sync(&organization, vec![row(&id(30_000), false)], false).await;
    assert_eq!(stand(&organization).await, (Some(SEATS), SEATS, 4_999, Some(id(90_001)), Some(id(94_999))));
    organization.set_total(None, false).await.unwrap();
    assert_eq!(stand(&organization).await, (None, 64_999, 0, None, None));
    println!("first sync {first:?}, 35,000 inactive {freed:?}, one inactive {one:?}");
    assert!(first + freed < Duration::from_secs(240), "{first:?} and {freed:?}");
}

/// Makes the changes of one writer. All writers compete for the last seats.
fn act(writer: usize, step: usize) -> SeatChange {
    const MEMBERS: [&[&str]; 6] =
        [&["a", "b", "c"], &["d", "e"], &["f", "g", "h"], &["i"], &["j", "k"], &["l", "m", "n"]];
    let mine = MEMBERS[writer];
    match (step + writer) % 6 {
        0 => SeatChange::Active(mine, false),
        1 | 4 => SeatChange::Active(mine, true),
        2 => SeatChange::Move(mine, "default"),
        3 => SeatChange::Release(mine),
        _ => SeatChange::Move(mine, "support"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_writers_never_exceed_the_total() {
    let server = TestServer::start().await;
    let organization = SeatOrganization::open(&server, "fight", Some(5)).await;
    let all = &["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m", "n"];
    organization.ask(&SeatChange::Come(all, "sales"), false).await.unwrap();
    let write = async |writer: usize| {
        for step in 0..12 {
            organization.ask(&act(writer, step), false).await.unwrap();
        }
    };
    let watch = async {
        for _ in 0..60 {
            let gong = organization.gong().await;
            assert!(gong.used <= 5 && (gong.pending == 0 || gong.used == 5), "{gong:?}");
        }
    };
    tokio::join!(write(0), write(1), write(2), write(3), write(4), write(5), watch);
    // All members return to the assignment with the seat, so that none is lost.
    organization.ask(&SeatChange::Active(all, true), false).await.unwrap();
    organization.ask(&SeatChange::Move(all, "support"), false).await.unwrap();
    organization.snapshot().await;
    let gong = organization.gong().await;
    assert_eq!((gong.used, gong.pending), (5, 9));
}
