//! Calls of the kernels that pick tokens.

use rand::Rng;

use super::{Case, Kind, Sizes};
use crate::kernels::{ArgmaxFinal, ArgmaxPartial, Penalise, TopkFinal, TopkPartial};
use crate::recording::Workgroups;

impl Case {
    pub(super) fn argmax_partial(&mut self, s: &Sizes) {
        let logits = self.logits(s.vocab);
        let pieces = s.vocab.div_ceil(ArgmaxPartial::PIECE);
        let best = self.words(vec![0; (2 * pieces).next_multiple_of(4)]);
        self.output(best, Kind::Words);
        let kernel = ArgmaxPartial { logits, best, count: s.vocab as u32 };
        self.recording.push(kernel, Workgroups::Fixed(pieces as u32, 1));
    }

    pub(super) fn argmax_final(&mut self, s: &Sizes) {
        let pieces = s.vocab.div_ceil(ArgmaxPartial::PIECE);
        let mut words: Vec<u32> = (0..pieces as u32)
            .flat_map(|i| {
                [self.random.random_range(-9.0f32..9.0).to_bits(), i * 4096 + self.random.random_range(0..4096)]
            })
            .collect();
        words.resize(words.len().next_multiple_of(4), 0);
        let best = self.words(words);
        let state = self.state(s.position, s.tokens, &[1, 2, 3]);
        let result = self.words(vec![0; 4]);
        self.output(result, Kind::Words);
        self.output(state, Kind::Words);
        let kernel = ArgmaxFinal { best, state, result, pieces: pieces as u32 };
        self.recording.push(kernel, Workgroups::Fixed(1, 1));
    }

    pub(super) fn penalise(&mut self, s: &Sizes) {
        let listed = s.vocab.min(s.rows);
        let state = self.state(s.position, 1, &[]);
        let settings = [1.25f32, 0.5, -0.25].map(f32::to_bits);
        let words = &mut self.buffers[state.buffer.0 as usize];
        words[3] = listed as u32;
        words[4..7].copy_from_slice(&settings);
        let stride = s.vocab / listed;
        let mut pairs: Vec<u32> =
            (0..listed).flat_map(|i| [(i * stride) as u32, self.random.random_range(1..9)]).collect();
        pairs.resize(pairs.len().next_multiple_of(4), 0);
        let seen = self.words(pairs);
        let logits = self.floats(s.vocab);
        self.output(logits, Kind::Floats);
        self.run.seen = listed as u32;
        self.recording.push(Penalise { state, seen, logits }, Workgroups::PerSeen);
    }

    pub(super) fn topk_partial(&mut self, s: &Sizes) {
        let pieces = s.vocab.div_ceil(TopkPartial::PIECE);
        let state = self.state(s.position, 1, &[]);
        let mut words: Vec<u32> =
            (0..s.vocab).map(|_| (self.random.random_range(-40..40) as f32 * 0.25).to_bits()).collect();
        words.resize(words.len().next_multiple_of(4), 0);
        let logits = self.words(words);
        let tops = self.words(vec![0; (2 * (TopkPartial::TOP + 1) * pieces).next_multiple_of(4)]);
        // The last pair of a piece is a maximum and a sum, so only its first 64 are places; compare all as pairs of floats.
        self.output(tops, Kind::Floats);
        let kernel = TopkPartial { state, logits, tops, count: s.vocab as u32 };
        self.recording.push(kernel, Workgroups::Fixed(pieces as u32, 1));
    }

    pub(super) fn topk_final(&mut self, s: &Sizes) {
        let pieces = s.vocab.div_ceil(TopkPartial::PIECE);
        let state = self.state(s.position, 1, &[]);
        let mut words = Vec::new();
        for piece in 0..pieces as u32 {
            let mut list: Vec<f32> = (0..64).map(|_| self.random.random_range(-40..40) as f32 * 0.25).collect();
            list.sort_by(|a, b| b.total_cmp(a));
            let top = list[0];
            words.extend(list.iter().zip(0u32..).flat_map(|(v, i)| [v.to_bits(), piece * 1024 + i * 3]));
            words.extend([top.to_bits(), self.random.random_range(1.0f32..80.0).to_bits()]);
        }
        words.resize(words.len().next_multiple_of(4), 0);
        let tops = self.words(words);
        let result = self.words(vec![0; 132]);
        self.output(result, Kind::Ranked(TopkPartial::TOP));
        let kernel = TopkFinal { state, tops, result, pieces: pieces as u32 };
        self.recording.push(kernel, Workgroups::Fixed(1, 1));
    }
}
