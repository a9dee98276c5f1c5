//! `planwave redo`: takes back an undo.

use super::{
    failure::{Exit, Failure},
    undo::{TakeBackArguments, take_back},
};
use crate::history::Verb;

pub(super) fn run(arguments: &TakeBackArguments) -> Result<Exit, Failure> {
    take_back(Verb::Redo, arguments)
}
