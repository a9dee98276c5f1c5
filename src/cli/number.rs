//! Numbers of the command line. What they may be is said in one form, and of negative ones too, which clap would take for
//! options; each such argument has `allow_negative_numbers`.

use std::str::FromStr;

use serde_json::Value;

use crate::settings::flag_number;

/// A parser of numbers that stand for the key `table.name` of the settings.
pub(super) fn setting<N: FromStr + Copy + Into<Value>>(
    table: &'static str,
    name: &'static str,
) -> impl Fn(&str) -> Result<N, String> + Clone + Send + Sync + 'static {
    move |text| flag_number(table, name, text)
}

/// As [`setting`], for keys whose 0 means that there is no bound: nobody who types `0` for a bound means that.
pub(super) fn bound<N: FromStr + Copy + Into<Value>>(
    table: &'static str,
    name: &'static str,
) -> impl Fn(&str) -> Result<N, String> + Clone + Send + Sync + 'static {
    move |text| {
        let number: N = flag_number(table, name, text)?;
        let zero = Into::<Value>::into(number).as_f64() == Some(0.0);
        if zero { Err(String::from("must be more than 0; without the option there is no bound")) } else { Ok(number) }
    }
}

/// A whole number from 1.
pub(super) fn from_one(text: &str) -> Result<u32, String> {
    let number = text.trim().parse().ok().filter(|number| *number > 0);
    number.ok_or_else(|| String::from("must be a whole number from 1 to 4,294,967,295"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_number_may_be_is_said_in_one_form() {
        let attempts = setting::<u64>("run", "max_attempts");
        assert_eq!(attempts("3"), Ok(3));
        for bad in ["-1", "0", "101", "1.5", "x", "", "18446744073709551616"] {
            assert_eq!(attempts(bad), Err(String::from("must be a whole number from 1 to 100")), "{bad:?}");
        }
        let cost = bound::<f64>("run", "max_cost");
        assert_eq!(cost("0.5"), Ok(0.5));
        for bad in ["-1", "nan", "inf", "-inf", "$5", "10000001"] {
            assert_eq!(cost(bad), Err(String::from("must be a number of US dollars from 0 to 10,000,000")), "{bad:?}");
        }
        for zero in ["0", "0.0", "-0"] {
            assert!(cost(zero).is_err_and(|error| error.starts_with("must be more than 0")), "{zero:?}");
        }
        assert_eq!((from_one("1"), from_one("0").is_err(), from_one("-1").is_err()), (Ok(1), true, true));
    }
}
