//! Values that all replicas of an installation share.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use crate::{Db, Result, SystemConn, schema::installation};

/// Reads the key that signs page tokens. The first call creates it.
pub async fn get_page_token_key(db: &Db) -> Result<Vec<u8>> {
    let new: [u8; 32] = rand::random();
    db.system("get_page_token_key", async |conn: &mut SystemConn| {
        diesel::insert_into(installation::table)
            .values((installation::id.eq(true), installation::page_token_key.eq(&new[..])))
            .on_conflict_do_nothing()
            .execute(conn)
            .await?;
        Ok(installation::table.select(installation::page_token_key).first(conn).await?)
    })
    .await
}
