//! The rules of a droplet.

use criterion::{BatchSize, Criterion};
use domain::decider::{Decider, fold};
use domain::droplet::{Droplet, DropletCommand, DropletEvent, DropletUpdate};
use domain::event::DomainEvent;
use domain::tag::Tag;

/// Events of a long stream.
const LONG: usize = 1_000;

pub(crate) fn measure(criterion: &mut Criterion) {
    let requested = DropletEvent::samples()
        .into_iter()
        .next()
        .expect("there are events");
    let active = fold(Droplet::default(), [&requested]);
    let tag = Tag::parse("micro").expect("it is a good tag");
    let command = DropletCommand::Update(DropletUpdate::Tag { tag });
    criterion.bench_function("droplet: decide", |bencher| {
        bencher.iter(|| active.decide(&command));
    });
    let tagged = active.decide(&command).expect("it may be tagged");
    assert_eq!(tagged.len(), 1, "the tag is new");
    criterion.bench_function("droplet: evolve", |bencher| {
        bencher.iter_batched(
            || active.clone(),
            |state| fold(state, &tagged),
            BatchSize::SmallInput,
        );
    });
    let tag = Tag::parse("micro").expect("it is a good tag");
    let untag = DropletCommand::Update(DropletUpdate::Untag { tag });
    let tagged_state = fold(active.clone(), &tagged);
    let untagged = tagged_state.decide(&untag).expect("it may be untagged");
    assert_eq!(untagged.len(), 1, "the tag is there");
    let both = [tagged, untagged].concat();
    let long: Vec<_> = both.into_iter().cycle().take(LONG).collect();
    criterion.bench_function("droplet: fold of 1,000 events", |bencher| {
        bencher.iter_batched(
            || active.clone(),
            |state| fold(state, &long),
            BatchSize::SmallInput,
        );
    });
}
