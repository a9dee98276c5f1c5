//! The life of an item: one transition function, and nothing else changes a state.

/// Where an item of a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ItemState {
    /// Waits for other items or for a free slot.
    Pending,
    /// Its calls are under way.
    Running,
    /// All its documents are on disk.
    Done,
    /// It failed for good.
    Failed,
    /// Something it needs failed or is blocked.
    Blocked,
}

/// What can happen to an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// Its first call begins.
    Start,
    /// Its last document is on disk.
    Accept,
    /// It will not be tried again in this run.
    GiveUp,
    /// An item it needs failed or is blocked.
    UpstreamFailed,
}

impl ItemState {
    /// The state after `signal`, or `None` where that cannot happen in this state.
    pub fn next(self, signal: Signal) -> Option<Self> {
        match (self, signal) {
            (Self::Pending, Signal::Start) => Some(Self::Running),
            (Self::Pending, Signal::UpstreamFailed) => Some(Self::Blocked),
            (Self::Running, Signal::Accept) => Some(Self::Done),
            (Self::Running, Signal::GiveUp) => Some(Self::Failed),
            (Self::Pending | Self::Running | Self::Done | Self::Failed | Self::Blocked, _) => None,
        }
    }

    /// Whether nothing will happen to it any more.
    pub fn has_ended(self) -> bool {
        match self {
            Self::Pending | Self::Running => false,
            Self::Done | Self::Failed | Self::Blocked => true,
        }
    }
}
