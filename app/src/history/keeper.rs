//! Keeping the open conversation.

use std::collections::VecDeque;
use std::time::Duration;

use gloo::storage::{SessionStorage, Storage};
use gloo::timers::future::sleep;
use leptos::{prelude::*, task::spawn_local};

use super::{Conversation, Head, Line, database::Change, database::Database, title_of, waiting::queue};
use crate::{
    language::{t, told},
    library::Lock,
    state::{Phase, Store, Turn},
};

/// Which conversation this tab has open, for a reload.
const OPEN: &str = "wattage.conversation";
/// How often to look whether something is done, and how many times before it is held to be another tab's.
const SETTLES: Duration = Duration::from_millis(20);
const LOOKS: usize = 15;

/// The history's state. Copied freely: each part is a handle.
#[derive(Clone, Copy)]
pub struct History {
    /// All conversations, the latest first.
    pub heads: RwSignal<Vec<Head>>,
    /// The open one, once it has a message.
    pub open: RwSignal<Option<Head>>,
    /// What is searched for, and the conversations that have it in a message.
    pub found: RwSignal<Option<(String, Vec<String>)>>,
    /// What went wrong with something that the visitor asked for.
    pub failure: RwSignal<Option<String>>,
    /// Why conversations are not kept now.
    pub unkept: RwSignal<Option<String>>,
    /// What is written of the open conversation.
    written: StoredValue<Vec<Extent>>,
    /// Changes that wait to be written.
    waiting: StoredValue<VecDeque<Change>>,
    writing: StoredValue<bool>,
    /// The conversation that was asked for last.
    wanted: StoredValue<Option<String>>,
    /// The right to write the open conversation, which one tab has.
    lock: StoredValue<Option<Lock>, LocalStorage>,
}

/// How far a message is, to see whether it changed: its name, its length, the candidates told of, and how it stands.
type Extent = ((u32, usize, usize, u8), Option<(u32, usize, usize, u8)>);

impl History {
    /// An empty one.
    pub fn new() -> Self {
        Self {
            heads: RwSignal::new(Vec::new()),
            open: RwSignal::new(None),
            found: RwSignal::new(None),
            failure: RwSignal::new(None),
            unkept: RwSignal::new(None),
            written: StoredValue::new(Vec::new()),
            waiting: StoredValue::new(VecDeque::new()),
            writing: StoredValue::new(false),
            wanted: StoredValue::new(None),
            lock: StoredValue::new_local(None),
        }
    }

    /// Waits until what is to be written is, so that what is read is the latest.
    pub(super) async fn settled(self) {
        while self.writing.get_value() {
            sleep(SETTLES).await;
        }
    }
}

impl Default for History {
    fn default() -> Self {
        Self::new()
    }
}

pub(super) fn new_id() -> String {
    // Time and chance: two tabs that begin in the same millisecond still differ.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "below 2^53")]
    let part = |number: f64| number as u64;
    format!("{:012x}{:012x}", part(js_sys::Date::now()), part(js_sys::Math::random() * 2_f64.powi(48)))
}

/// The right to write a conversation; none while another tab has it. Where a browser has no locks every tab has the right.
pub(super) async fn lock(id: &str) -> Result<Option<Lock>, ()> {
    for _ in 0..LOOKS {
        match Lock::take(&format!("conversation-{id}")).await {
            Ok(Some(lock)) => return Ok(Some(lock)),
            Err(_) => return Ok(None),
            // A page that is being reloaded may still have it.
            Ok(None) => sleep(SETTLES).await,
        }
    }
    Err(())
}

impl Store {
    /// Brings back the conversation that this tab had open, and keeps it from now on.
    pub fn keep_conversations(self) {
        if let Ok(id) = SessionStorage::get::<String>(OPEN) {
            self.show_kept(id);
        }
        self.look_at_history();
        Effect::new(move || {
            self.pulse.track();
            self.turns.track();
            self.answering.track();
            // What changes while something is written is written next, all at once.
            if !self.history.writing.get_value() {
                untrack(|| self.note_changes());
            }
        });
        Effect::new(move || {
            if let Some(head) = &*self.history.open.read() {
                drop(SessionStorage::set(OPEN, &head.id));
            }
        });
    }

    pub(super) fn show_kept(self, id: String) {
        let history = self.history;
        history.wanted.set_value(Some(id.clone()));
        spawn_local(async move {
            history.settled().await;
            let lock = lock(&id).await;
            let read = async { Database::open().await?.conversation(&id).await }.await;
            // Unless another was asked for, or a message was sent, meanwhile.
            if history.wanted.get_value().as_ref() != Some(&id) || !self.turns.read_untracked().is_empty() {
                return;
            }
            match (read, lock) {
                (Ok(Some(kept)), Ok(lock)) => {
                    history.lock.set_value(lock);
                    self.show(kept, true);
                }
                (Ok(Some(mut kept)), Err(())) => {
                    // Each tab goes on with a conversation of its own.
                    kept.head.id = new_id();
                    kept.head.from = Some(kept.head.title.clone());
                    let told = t("This conversation is open in another tab; this is a copy of it.");
                    history.failure.set(Some(told.to_owned()));
                    self.show(kept, false);
                }
                (Ok(None), _) => history.failure.set(Some(t("This conversation is no longer kept.").to_owned())),
                (Err(why), _) => history.failure.set(Some(told!("It could not be read: {}.", why))),
            }
        });
    }

    fn show(self, kept: Conversation, written: bool) {
        let Conversation { head, messages } = kept;
        let turns: Vec<Turn> = messages.into_iter().map(|line| line.turn(&|| self.id())).collect();
        if written {
            self.history.written.set_value(turns.iter().map(extent).collect());
        }
        self.history.open.set(Some(head));
        self.turns.set(turns);
        self.pulse.update(|pulse| *pulse = pulse.wrapping_add(1));
    }

    /// Looks again at what is kept.
    pub fn look_at_history(self) {
        let history = self.history;
        spawn_local(async move {
            history.settled().await;
            match async { Database::open().await?.heads().await }.await {
                Ok(heads) => history.heads.set(heads),
                Err(why) => history.unkept.set(Some(told!("Conversations are not kept: {}.", why))),
            }
        });
    }

    /// Has written what changed in the open conversation since it was written last.
    pub(super) fn note_changes(self) {
        let history = self.history;
        let turns = self.turns.get_untracked();
        let Some(first) = turns.first() else { return };
        let extents: Vec<Extent> = turns.iter().map(extent).collect();
        let written = history.written.get_value();
        if extents == written {
            return;
        }
        let now = js_sys::Date::now();
        let mut head = history.open.get_untracked().unwrap_or_else(|| Head {
            id: new_id(),
            title: title_of(&first.text.read_untracked()),
            created: now,
            updated: now,
            from: None,
            imported: false,
        });
        head.updated = now;
        let changed = (0..).zip(&turns).filter(|(index, turn)| written.get(*index) != Some(&extent(turn)));
        let lines = changed.map(|(index, turn)| Line::of(&head.id, index, turn)).collect();
        history.written.set_value(extents);
        if history.open.read_untracked().as_ref().map(|open| &open.id) != Some(&head.id) {
            history.open.set(Some(head.clone()));
        }
        if history.lock.with_value(Option::is_none) {
            let id = head.id.clone();
            spawn_local(async move {
                if let Ok(lock) = lock(&id).await
                    && history.open.read_untracked().as_ref().is_some_and(|open| open.id == id)
                {
                    history.lock.set_value(lock);
                }
            });
        }
        history.heads.update(|heads| {
            heads.retain(|other| other.id != head.id);
            heads.insert(0, head.clone());
        });
        self.write(Change::Keep { head, lines, count: u32::try_from(turns.len()).unwrap_or(u32::MAX) });
    }

    pub(super) fn write(self, change: Change) {
        let history = self.history;
        history.waiting.update_value(|waiting| queue(waiting, change));
        if history.writing.get_value() {
            return;
        }
        history.writing.set_value(true);
        spawn_local(async move {
            // What fails stays, and is tried again with the next change; it stops no other.
            let (mut failed, mut told) = (VecDeque::new(), None);
            let database = Database::open().await;
            while let Some(change) = history.waiting.try_update_value(VecDeque::pop_front).flatten() {
                let written = match &database {
                    Ok(database) => database.write(&change).await,
                    Err(why) => Err(why.clone()),
                };
                if let Err(why) = written {
                    told = Some(why);
                    queue(&mut failed, change);
                } else {
                    self.note_changes();
                }
            }
            history.waiting.set_value(failed);
            history.writing.set_value(false);
            history.unkept.set(told.map(|why| told!("Conversations are not kept now: {}.", why)));
        });
    }

    /// Ends what is under way in the open conversation, has its last state written, and leaves the page empty.
    pub fn leave_conversation(self) {
        self.stop();
        if self.answering.get_untracked().is_some() {
            if let Some(turn) = self.written.get_value() {
                turn.phase.set(Phase::Done(None));
            }
            self.answering.set(None);
        }
        self.note_changes();
        self.history.written.set_value(Vec::new());
        self.history.open.set(None);
        // Another tab may have it once all of it is written.
        let lock = self.history.lock.try_update_value(Option::take).flatten();
        spawn_local(async move {
            self.history.settled().await;
            drop(lock);
        });
        self.history.wanted.set_value(None);
        SessionStorage::delete(OPEN);
        self.turns.set(Vec::new());
        self.context_used.set(0);
        self.speed.set(None);
    }
}

fn extent(turn: &Turn) -> Extent {
    let of = |turn: &Turn| {
        let stands = match *turn.phase.read_untracked() {
            Phase::Done(_) => 1,
            Phase::Failed(_) => 2,
            _ => 0,
        };
        (turn.id, turn.text.read_untracked().len(), turn.trace.read_untracked().rows.len(), stands)
    };
    (of(turn), turn.other.read_untracked().as_deref().map(of))
}
