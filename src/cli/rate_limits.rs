//! What is known of a provider's limits, from the last run to the next one.

use jiff::Timestamp;

use super::terminal::err;
use crate::{
    model::{
        ModelConfig, ModelFacts,
        gate::{Gate, Place, Remembered},
    },
    report::sanitize,
    settings::{self, Loaded},
    store::StateFile,
};

/// A gate, and where what it learns is kept.
pub(super) struct KeptGate {
    pub(super) gate: Gate,
    /// `None` where nothing is to be kept.
    file: Option<StateFile>,
    place: Place,
    fresh_salt: String,
}

impl KeptGate {
    /// A gate that begins with what the last run learned. A file that cannot be read is said and left out.
    pub(super) fn open(loaded: &Loaded, config: &ModelConfig, facts: &ModelFacts, now: Timestamp) -> Self {
        let settings = &loaded.settings;
        let place = Place {
            server: settings.model.base_url.origin(),
            model: config.model.clone(),
            key: config.api_key.clone(),
        };
        let directory = settings.limits.remember.then(settings::state_directory).flatten();
        let file = directory.map(|directory| StateFile::new(directory, "limits.json"));
        let fresh_salt = format!("{:x}-{}", now.as_nanosecond(), std::process::id());
        let this = Self { gate: Gate::new(config.policy(facts)), file, place, fresh_salt };
        let gate = this.remembered(true).gate(config.policy(facts), &this.place, now);
        if let (Some(rate), Some(file)) = (gate.learned_rate(), &this.file) {
            let pace = if rate >= 1.0 {
                format!("{rate:.1} requests a second")
            } else {
                format!("a request every {:.0} s", 1.0 / rate)
            };
            let path = file.path();
            err(&format!(
                "limits: {} took {pace} the last time; the run begins with that and tries more ({})\n",
                sanitize(&this.place.server),
                sanitize(&path.display().to_string())
            ));
        }
        Self { gate, ..this }
    }

    /// Keeps what was learned. Nothing depends on it, so what goes wrong is only said.
    pub(super) fn keep(&self, now: Timestamp) {
        let Some(file) = &self.file else { return };
        // Read again: another run may have written meanwhile.
        let mut remembered = self.remembered(false);
        let before = remembered.clone();
        remembered.note(&self.gate, &self.place, now);
        if remembered == before {
            return;
        }
        if let Err(error) = file.write(&remembered.to_text()) {
            warn(&format!("the limits learned are not kept: cannot write {}: {error}", file.path().display()));
        }
    }

    fn remembered(&self, say: bool) -> Remembered {
        let nothing = || Remembered::new(self.fresh_salt.clone());
        let Some(file) = &self.file else { return nothing() };
        let read = file.read().map_err(|error| error.to_string());
        match read.and_then(|text| text.map(|text| Remembered::parse(&text)).transpose()) {
            Ok(remembered) => remembered.unwrap_or_else(nothing),
            Err(reason) => {
                if say {
                    let path = file.path();
                    warn(&format!("{} is left out, and written anew after the run: {reason}", path.display()));
                }
                nothing()
            }
        }
    }
}

fn warn(text: &str) {
    err(&format!("warning: {}\n", sanitize(text)));
}
