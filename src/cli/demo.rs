//! `planwave demo`.

use super::{
    arguments::{DemoArguments, Global},
    failure::{Exit, Failure},
};

pub(super) fn run(_: &DemoArguments, _: &Global) -> Result<Exit, Failure> {
    Err(Failure::invalid("not yet"))
}
