//! The library as the page has it: what is kept, what is on its way, and what the visitor can do with it.

use js_sys::Array;
use leptos::{prelude::*, task::spawn_local, web_sys::File};

use super::{Folder, KNOWN, Known, Lock, Record, Space, Target};
use crate::{
    actions::LoadSpec,
    client::Client,
    format,
    language::{t, told},
    protocol::{Command, Failure, FailureKind, FromWorker, JobId, Keeping, KeepingStage, Reply, SourceSpec, ToWorker},
    state::{Rate, Store},
};

/// The library's state. Copied freely: each part is a handle.
#[derive(Clone, Copy)]
pub struct Shelf {
    /// What is kept, whole or in part.
    pub records: RwSignal<Vec<Record>>,
    /// The storage that is used and that there is.
    pub space: RwSignal<Option<Space>>,
    /// Why nothing can be kept.
    pub missing: RwSignal<Option<String>>,
    /// What is on its way, or failed on it.
    pub downloads: RwSignal<Vec<Download>>,
    /// What went wrong with something else.
    pub failure: RwSignal<Option<String>>,
    /// The worker that fetches; started when it is needed first.
    client: StoredValue<Option<Client>, LocalStorage>,
}

/// A model on its way to this computer.
#[derive(Debug, Clone, PartialEq)]
pub struct Download {
    /// The command.
    pub job: JobId,
    /// What is kept.
    pub target: Target,
    /// How far it is; nothing while it waits for its turn.
    pub keeping: Option<Keeping>,
    /// How fast it comes.
    pub rate: Rate,
    /// Whether its end was asked for.
    pub cancelling: bool,
    /// Why it ended early.
    pub failure: Option<String>,
}

impl Shelf {
    /// An empty one.
    pub fn new() -> Self {
        Self {
            records: RwSignal::new(Vec::new()),
            space: RwSignal::new(None),
            missing: RwSignal::new(None),
            downloads: RwSignal::new(Vec::new()),
            failure: RwSignal::new(None),
            client: StoredValue::new_local(None),
        }
    }

    /// The download of a model, if there is one.
    pub fn download(self, id: &str) -> Option<Download> {
        self.downloads.read().iter().find(|download| download.target.id == id).cloned()
    }

    fn change(self, job: JobId, change: impl FnOnce(&mut Download)) {
        self.downloads.update(|all| {
            if let Some(download) = all.iter_mut().find(|download| download.job == job) {
                change(download);
            }
        });
    }
}

impl Default for Shelf {
    fn default() -> Self {
        Self::new()
    }
}

impl Download {
    /// How much of it is done, in percent, where that is known.
    pub fn share(&self) -> Option<f64> {
        let Keeping { done, total, .. } = self.keeping.filter(|keeping| keeping.total > 0)?;
        #[allow(clippy::cast_precision_loss, reason = "for display")]
        let share = 100.0 * done as f64 / total as f64;
        Some(share)
    }

    /// How far it is, in words.
    pub fn told(&self) -> String {
        match self.keeping {
            _ if self.cancelling => t("Stopping…").into(),
            None => t("Waiting for its turn").into(),
            Some(Keeping { stage: KeepingStage::OtherTab, .. }) => t("Another tab downloads it").into(),
            Some(Keeping { stage: KeepingStage::Comparing, done, total }) => {
                told!("Comparing it with its SHA-256, {} of {}", format::bytes(done), format::bytes(total))
            }
            Some(Keeping { stage: KeepingStage::Fetching, done, total }) => {
                let mut text = told!("{} of {}", format::bytes(done), format::bytes(total));
                if let Some(rate) = self.rate.per_second() {
                    #[allow(clippy::cast_precision_loss, reason = "for display")]
                    let left = total.saturating_sub(done) as f64 / rate;
                    text.push_str(&told!(
                        " · {} MB/s · {} left",
                        format::decimal(rate / 1e6, 1),
                        format::duration(left)
                    ));
                }
                text
            }
        }
    }
}

impl Store {
    /// Looks again at what is kept.
    pub fn look_at_shelf(self) {
        self.look_at_shelf_then(|| {});
    }

    fn look_at_shelf_then(self, then: impl FnOnce() + 'static) {
        spawn_local(async move {
            let looked = async { Folder::open().await?.records().await }.await;
            let space = Space::now().await.ok();
            self.shelf.space.set(space);
            match looked {
                Ok(records) => {
                    self.shelf.missing.set(None);
                    self.shelf.records.set(records);
                }
                Err(why) => self.shelf.missing.set(Some(why)),
            }
            then();
        });
    }

    /// Keeps a model, from its address or from a file of this computer, or goes on with that.
    pub fn keep(self, target: Target, file: Option<&File>) {
        let shelf = self.shelf;
        // What its authors say of a known model's file is known whichever way its address was given.
        let target = KNOWN.iter().map(Known::target).find(|known| known.id == target.id).unwrap_or(target);
        if untrack(|| shelf.download(&target.id)).is_some_and(|download| download.failure.is_none()) {
            return;
        }
        spawn_local(Space::hold());
        if shelf.client.with_value(Option::is_none) {
            match Client::start(move |message| self.hear_of_download(message)) {
                Ok(client) => shelf.client.set_value(Some(client)),
                Err(why) => {
                    return shelf.failure.set(Some(told!("The browser did not start the download ({}).", why)));
                }
            }
        }
        let files = Array::new();
        let source = match (file, &target.url) {
            (Some(file), _) => {
                files.push(file);
                SourceSpec::File { name: target.name.clone(), file: 0 }
            }
            (None, Some(url)) => SourceSpec::Url(url.clone()),
            (None, None) => {
                return shelf
                    .failure
                    .set(Some(told!("Choose {} again: its first copy was not complete.", target.name)));
            }
        };
        let job = self.id();
        shelf.failure.set(None);
        self.said.set(told!("Downloading {}.", target.name));
        shelf.downloads.update(|all| {
            all.retain(|download| download.target.id != target.id);
            all.push(Download {
                job,
                target: target.clone(),
                keeping: None,
                rate: Rate::default(),
                cancelling: false,
                failure: None,
            });
        });
        self.tell_downloader(&ToWorker::Run { job, command: Command::Keep { target, source } }, &files);
    }

    /// Ends a download; what has come stays.
    pub fn cancel_keep(self, job: JobId) {
        self.tell_downloader(&ToWorker::Cancel { job }, &Array::new());
        let waits = self
            .shelf
            .downloads
            .with_untracked(|all| all.iter().any(|download| download.job == job && download.keeping.is_none()));
        if waits {
            // The worker hears of it at its turn.
            self.forget_download(job);
        } else {
            self.shelf.change(job, |download| download.cancelling = true);
        }
    }

    /// Takes away what is told of a download that failed.
    pub fn forget_download(self, job: JobId) {
        self.shelf.downloads.update(|all| all.retain(|download| download.job != job));
    }

    /// Deletes what is kept of a model.
    pub fn delete_kept(self, record: Record) {
        spawn_local(async move {
            let deleted = async {
                let _lock = Lock::take(&record.target().lock()).await?.ok_or_else(|| t("another tab downloads it"))?;
                Folder::open().await?.delete(&record.id).await
            };
            match deleted.await {
                Ok(()) => self.said.set(told!("{} is deleted.", record.name)),
                Err(why) => self.shelf.failure.set(Some(told!("{} could not be deleted: {}.", record.name, why))),
            }
            self.look_at_shelf();
        });
    }

    /// Loads a kept model.
    pub fn open_kept(self, record: Record) {
        spawn_local(async move {
            let opened = async { Folder::open().await?.file(&record).await };
            match opened.await {
                Ok(file) => self.load(LoadSpec::Kept(file)),
                Err(why) => {
                    self.shelf.failure.set(Some(told!("{} could not be opened: {}.", record.name, why)));
                    self.look_at_shelf();
                }
            }
        });
    }

    fn tell_downloader(self, message: &ToWorker, files: &Array) {
        let sent = self.shelf.client.with_value(|client| client.as_ref().map(|client| client.send(message, files)));
        if let Some(Err(why)) = sent {
            self.downloader_broke(&why);
        }
    }

    fn hear_of_download(self, message: FromWorker) {
        let FromWorker::Reply { job, reply } = message else {
            if let FromWorker::Crashed(why) = message {
                self.downloader_broke(&why);
            }
            return;
        };
        let name = self.shelf.downloads.with_untracked(|all| {
            all.iter().find(|download| download.job == job).map(|download| download.target.name.clone())
        });
        let Some(name) = name else {
            // One that was given up; a part of it may have come.
            if !matches!(*reply, Reply::Keeping(_)) {
                self.look_at_shelf();
            }
            return;
        };
        match *reply {
            Reply::Keeping(keeping) => self.shelf.change(job, |download| {
                if keeping.stage == KeepingStage::Fetching {
                    download.rate.note(js_sys::Date::now(), keeping.done);
                }
                download.keeping = Some(keeping);
            }),
            Reply::Kept => {
                self.said.set(told!("{} is on this computer.", name));
                // What has come is in the list before this leaves it.
                self.look_at_shelf_then(move || self.forget_download(job));
            }
            Reply::Failed(Failure { kind, message }) => {
                if kind == FailureKind::Cancelled {
                    self.said.set(t("Download stopped.").into());
                    self.look_at_shelf_then(move || self.forget_download(job));
                } else {
                    self.said.set(told!("{} could not be kept.", name));
                    self.shelf.change(job, |download| download.failure = Some(format::sentence(&message)));
                    self.look_at_shelf();
                }
            }
            _ => {}
        }
    }

    fn downloader_broke(self, why: &str) {
        self.shelf.client.set_value(None);
        self.shelf.downloads.update(|all| {
            for download in all.iter_mut().filter(|download| download.failure.is_none()) {
                download.failure = Some(told!("The download stopped: {}. What has come is kept; go on with it.", why));
            }
        });
        self.look_at_shelf();
    }
}
