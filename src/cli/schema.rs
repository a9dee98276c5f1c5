//! `planwave schema`: the JSON Schema of parallel.json.

use super::{
    failure::{Exit, Failure},
    terminal::out,
};

pub(super) fn run() -> Result<Exit, Failure> {
    out(&crate::parallel::schema())?;
    Ok(Exit::Done)
}
