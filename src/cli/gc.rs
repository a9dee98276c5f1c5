//! `planwave gc`: frees room in `.planwave/`.

use std::path::PathBuf;

use clap::Args;
use jiff::{SignedDuration, Span, SpanRelativeTo, Timestamp};

use super::{
    failure::{Exit, Failure},
    model_setup::Prices,
    own_folder, pretty,
    terminal::{err, out},
};
use crate::{
    history::KEPT_OPERATIONS,
    parallel::whole_seconds,
    report::{bytes_text, plural, sanitize},
    store::{Cleaning, Freed},
};

/// `planwave gc`.
#[derive(Debug, Args)]
pub(super) struct GcArguments {
    /// A plan directory, a PLAN_<NAME>.md, or a parallel.json.
    #[arg(value_name = "PLAN", default_value = ".")]
    plan: PathBuf,
    /// Remove what is older, such as 12h, 30d or 8w.
    #[arg(long, value_name = "AGE", default_value = "30d", value_parser = age)]
    older_than: SignedDuration,
    /// Remove the oldest until what is left fits, such as 500MB or 2GB.
    #[arg(long, value_name = "SIZE", default_value = "500MB", value_parser = size)]
    max_size: u64,
    /// Show what would go; remove nothing.
    #[arg(long)]
    dry_run: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &GcArguments) -> Result<Exit, Failure> {
    let dir = own_folder::open(&arguments.plan)?;
    let now = Timestamp::now();
    let limit = now.checked_sub(arguments.older_than).unwrap_or(Timestamp::MIN);
    let freed = if arguments.dry_run {
        let cleaning = Cleaning::plan(&dir, limit, arguments.max_size)?;
        warn(&cleaning);
        cleaning.freed()
    } else {
        own_folder::refuse_foreign(&dir)?;
        let lock =
            own_folder::lock(&dir, &format!("process {} (gc) since {}", std::process::id(), whole_seconds(now)))?;
        let cleaning = Cleaning::plan(&dir, limit, arguments.max_size)?;
        warn(&cleaning);
        let prices = Prices::of(&dir);
        cleaning.perform(&dir, &lock, &|model, usage| prices.cost(model, usage))?;
        cleaning.freed()
    };
    if arguments.json {
        out(&pretty(&freed)?)?;
    } else {
        out(&text(&freed, arguments))?;
    }
    Ok(Exit::Done)
}

fn warn(cleaning: &Cleaning) {
    for record in &cleaning.unreadable {
        err(&format!("warning: {}; it stays\n", sanitize(record)));
    }
}

fn text(freed: &Freed, arguments: &GcArguments) -> String {
    let Freed { operations, blobs, exchanges, bytes, left } = *freed;
    if bytes == 0 && operations == 0 {
        return format!("nothing to remove; {} are in use\n", bytes_text(left));
    }
    let verb = if arguments.dry_run { "would free" } else { "freed" };
    let mut text = format!(
        "{verb} {}: {}, {}, {} on the tape; {} are left\n",
        bytes_text(bytes),
        plural(operations, "operation"),
        plural(blobs, "earlier version"),
        plural(exchanges, "answer"),
        bytes_text(left)
    );
    if left > arguments.max_size {
        text.push_str(&format!(
            "more cannot go: the last {KEPT_OPERATIONS} operations can be undone, and an interrupted run resumed\n"
        ));
    }
    text
}

/// `30d`, `12h`, `8w`; a day has 24 hours here.
fn age(text: &str) -> Result<SignedDuration, String> {
    let span: Span = text.parse().map_err(|_| String::from("an age is a number and a unit, such as 30d"))?;
    let age = span.to_duration(SpanRelativeTo::days_are_24_hours()).map_err(|error| error.to_string())?;
    if age.is_negative() { Err(String::from("an age is not negative")) } else { Ok(age) }
}

/// `500MB`, `2 GiB`, `1000`.
fn size(text: &str) -> Result<u64, String> {
    let split = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let factor = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "kb" => 1_000,
        "m" | "mb" => 1_000_000,
        "g" | "gb" => 1_000_000_000,
        "kib" => 1 << 10,
        "mib" => 1 << 20,
        "gib" => 1 << 30,
        _ => return Err(String::from("a size is a whole number and a unit, such as 500MB or 2GB")),
    };
    let number: u64 = number.parse().map_err(|_| String::from("a size is a whole number and a unit, such as 500MB"))?;
    number.checked_mul(factor).ok_or_else(|| String::from("no disk is that large"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_and_sizes() {
        for (text, hours) in [("30d", 720), ("12h", 12), ("2w", 336), ("1d12h", 36)] {
            assert_eq!(age(text).unwrap(), SignedDuration::from_hours(hours), "{text}");
        }
        for text in ["", "30", "-1d", "1 month", "x"] {
            assert!(age(text).is_err(), "{text}");
        }
        for (text, bytes) in [("0", 0), ("12", 12), ("500MB", 500_000_000), ("2 gib", 2 << 30), ("1k", 1_000)] {
            assert_eq!(size(text).unwrap(), bytes, "{text}");
        }
        for text in ["", "MB", "-1", "1.5GB", "1TB", "99999999999999999999", "99999999999999GB"] {
            assert!(size(text).is_err(), "{text}");
        }
    }
}
