//! Seats: which members hold one and which wait for one, where a seat type has a total (product.md 6).
//!
//! * An active member *claims* every seat that the member's settings give. An inactive member claims none.
//! * A member who claims a seat either *holds* it or waits for it. Only pending seats are stored: the holders are the
//!   claimants without a pending seat. Only a seat type with a total has pending seats. Each seat type is planned on its
//!   own: a member can hold a seat while another seat that it requires is pending.
//! * One transaction does three things for each seat type, in this order. First claims end: a held seat becomes free, and
//!   a pending one leaves the queue. Then free seats go to the waiting members, the oldest pending seat first (by its
//!   revision, then by the member's id in byte order). Then new claims, in byte order of the members' ids, take the seats that
//!   are still free; the other new claimants begin to wait.
//! * A claim that continues keeps its seat or its place in the queue, whatever else changes for the member. A member who
//!   only changes assignment loses nothing. A member who becomes active again claims anew, behind the waiting members.
//! * A lower total takes no seat away: more seats can be used than the total, and none is granted until fewer are used. A
//!   total that is raised or removed grants seats at once.
//!
//! Therefore, whenever a member waits, all seats of that type are used.

mod claims;
mod queue;

pub use claims::{Claimant, Claims, SeatClaims};
pub use queue::{PendingSeat, QueueChanges, SeatChanges, SeatCount, SeatQueue};
