mod fixtures;

use self::fixtures::*;
use super::*;
use crate::aggregate::Aggregate;
use crate::cluster::live_droplets;
use crate::decider::fold;
use crate::decision_table;
use crate::event::DomainEvent;
use crate::ids::ClusterId;
use crate::input::{InvalidInput, MAX_TEXT_CHARS};
use crate::testing::{given, given_nothing};

// Every command in every state. Lower case is the event, upper case the rejection, both without
// the prefix `droplet`. Each command asks for something new, where it can.
const DECISIONS: &str = "
    command         | absent    | requested           | active            | failed         | deleting       | deleted
    Provision       | requested | ALREADY_EXISTS      | ALREADY_EXISTS    | ALREADY_EXISTS | ALREADY_EXISTS | ALREADY_EXISTS
    ReportActive    | NOT_FOUND | activated           | ALREADY_ACTIVE    | FAILED         | BEING_DELETED  | DELETED
    ReportFailed    | NOT_FOUND | provisioning_failed | ALREADY_ACTIVE    | FAILED         | BEING_DELETED  | DELETED
    Rename          | NOT_FOUND | renamed             | renamed           | FAILED         | BEING_DELETED  | DELETED
    Tag             | NOT_FOUND | tagged              | tagged            | FAILED         | BEING_DELETED  | DELETED
    Untag           | NOT_FOUND | untagged            | untagged          | FAILED         | BEING_DELETED  | DELETED
    Protect         | NOT_FOUND | protected           | protected         | FAILED         | BEING_DELETED  | DELETED
    Unprotect       | NOT_FOUND | -                   | -                 | FAILED         | BEING_DELETED  | DELETED
    RequestDeletion | NOT_FOUND | deletion_requested  | deletion_requested | FAILED        | BEING_DELETED  | DELETED
    ReportDeleted   | NOT_FOUND | NOT_BEING_DELETED   | NOT_BEING_DELETED | FAILED         | deleted        | DELETED
";

// Every event in every state, also where it cannot happen: the status after it.
const TRANSITIONS: &str = "
    event               | absent    | requested | active   | failed | deleting | deleted
    requested           | requested | requested | active   | failed | deleting | deleted
    activated           | absent    | active    | active   | failed | deleting | deleted
    provisioning_failed | absent    | failed    | active   | failed | deleting | deleted
    renamed             | absent    | requested | active   | failed | deleting | deleted
    tagged              | absent    | requested | active   | failed | deleting | deleted
    untagged            | absent    | requested | active   | failed | deleting | deleted
    protected           | absent    | requested | active   | failed | deleting | deleted
    unprotected         | absent    | requested | active   | failed | deleting | deleted
    deletion_requested  | absent    | deleting  | deleting | failed | deleting | deleted
    deleted             | absent    | requested | active   | failed | deleted  | deleted
";

#[test]
fn every_command_in_every_state() {
    let decisions = decision_table::decisions::<Droplet>(&commands(), &states());
    assert_eq!(
        decisions,
        decision_table::cells(DECISIONS, &DropletStatus::ALL.map(DropletStatus::as_str))
    );
}

#[test]
fn every_event_in_every_state() {
    let samples = DropletEvent::samples();
    let transitions = decision_table::transitions(&samples, &states(), Droplet::status);
    assert_eq!(
        transitions,
        decision_table::cells(TRANSITIONS, &DropletStatus::ALL.map(DropletStatus::as_str))
    );
}

#[test]
fn every_event_of_an_accepted_command_changes_the_state() {
    for history in states() {
        let before = fold(Droplet::default(), &history);
        for command in commands() {
            for event in before.decide(&command).unwrap_or_default() {
                assert_ne!(
                    before.clone().evolve(&event),
                    before,
                    "{event:?} had no effect"
                );
            }
        }
    }
}

#[test]
fn the_ends_absorb_every_event() {
    for end in [DropletStatus::Failed, DropletStatus::Deleted] {
        let before = fold(Droplet::default(), &history(Some(end)));
        for event in DropletEvent::samples() {
            assert_eq!(
                before.clone().evolve(&event),
                before,
                "{event:?} changed {end}"
            );
        }
    }
}

#[test]
fn a_request_copies_what_the_catalogue_sells() {
    given_nothing::<Droplet>()
        .when(provision())
        .then([requested()]);
}

#[test]
fn a_size_must_exist() {
    given_nothing::<Droplet>()
        .when(provision_of("s-1vcpu-3gb", "nyc3", "ubuntu-24-04-x64"))
        .then_rejected(DropletRejection::UnknownSize {
            size: slug("s-1vcpu-3gb"),
        });
}

#[test]
fn a_region_must_exist() {
    given_nothing::<Droplet>()
        .when(provision_of("s-1vcpu-1gb", "nyc4", "ubuntu-24-04-x64"))
        .then_rejected(DropletRejection::UnknownRegion {
            region: slug("nyc4"),
        });
}

#[test]
fn a_region_must_offer_the_size() {
    given_nothing::<Droplet>()
        .when(provision_of("gd-2vcpu-8gb", "blr1", "ubuntu-24-04-x64"))
        .then_rejected(DropletRejection::SizeNotInRegion {
            size: slug("gd-2vcpu-8gb"),
            region: slug("blr1"),
        });
}

#[test]
fn an_image_must_exist() {
    given_nothing::<Droplet>()
        .when(provision_of("s-1vcpu-1gb", "nyc3", "ubuntu-4-10"))
        .then_rejected(DropletRejection::UnknownImage {
            image: slug("ubuntu-4-10"),
        });
}

#[test]
fn an_image_must_fit_on_the_disk() {
    given_nothing::<Droplet>()
        .when(provision_of("s-1vcpu-512mb-10gb", "nyc3", "fedora-43-x64"))
        .then_rejected(DropletRejection::ImageTooLargeForDisk {
            image: slug("fedora-43-x64"),
            min_disk_gib: 15,
            disk_gib: 10,
        });
}

#[test]
fn a_request_may_have_64_tags() {
    let with_tags = |count| {
        let mut command = provision();
        let DropletCommand::Provision { tags, .. } = &mut command else {
            unreachable!("the command is to provision");
        };
        *tags = numbered_tags(count);
        given_nothing::<Droplet>().when(command)
    };
    with_tags(MAX_TAGS).then([DropletRequested {
        tags: numbered_tags(MAX_TAGS),
        ..requested()
    }]);
    with_tags(MAX_TAGS + 1).then_rejected(DropletRejection::TooManyTags);
}

#[test]
fn a_droplet_can_be_tagged_up_to_64_times() {
    let full = DropletRequested {
        tags: numbered_tags(MAX_TAGS),
        ..requested()
    };
    given::<Droplet>([full.clone()])
        .when(DropletUpdate::Tag {
            tag: tag("one-more"),
        })
        .then_rejected(DropletRejection::TooManyTags);
    given::<Droplet>([full.clone()])
        .when(DropletUpdate::Tag { tag: tag("tag-0") })
        .then_nothing();
    given::<Droplet>([
        full.into(),
        DropletEvent::from(DropletUntagged { tag: tag("tag-0") }),
    ])
    .when(DropletUpdate::Tag {
        tag: tag("one-more"),
    })
    .then([DropletTagged {
        tag: tag("one-more"),
    }]);
}

#[test]
fn active_droplets_of_the_platform_have_an_address() {
    given::<Droplet>([requested()])
        .when(DropletUpdate::ReportActive { addresses: vec![] })
        .then_rejected(DropletRejection::AddressRequired);
}

#[test]
fn a_droplet_of_an_agent_can_be_active_without_an_address() {
    given::<Droplet>([DropletRequested {
        provisioner: Provisioner::Agent,
        ..requested()
    }])
    .when(DropletUpdate::ReportActive { addresses: vec![] })
    .then([DropletActivated { addresses: vec![] }]);
}

#[test]
fn a_droplet_may_have_16_addresses() {
    given::<Droplet>([requested()])
        .when(DropletUpdate::ReportActive {
            addresses: numbered_addresses(16),
        })
        .then([DropletActivated {
            addresses: numbered_addresses(16),
        }]);
    given::<Droplet>([requested()])
        .when(DropletUpdate::ReportActive {
            addresses: numbered_addresses(17),
        })
        .then_rejected(DropletRejection::TooManyAddresses);
}

#[test]
fn a_failure_says_why_within_limits() {
    given::<Droplet>([requested()])
        .when(DropletUpdate::ReportFailed {
            reason: "no capacity".to_owned(),
        })
        .then([DropletProvisioningFailed {
            reason: "no capacity".to_owned(),
        }]);
    given::<Droplet>([requested()])
        .when(DropletUpdate::ReportFailed {
            reason: "x".repeat(MAX_TEXT_CHARS + 1),
        })
        .then_rejected(DropletRejection::InvalidInput(InvalidInput::TextTooLong {
            field: "reason",
            chars: MAX_TEXT_CHARS + 1,
        }));
}

#[test]
fn a_new_name_remembers_the_old_one() {
    given::<Droplet>([requested()])
        .when(DropletUpdate::Rename {
            name: name("web-2"),
        })
        .then([DropletRenamed {
            from: name("web-1"),
            name: name("web-2"),
        }]);
}

#[test]
fn what_is_already_so_is_accepted_and_changes_nothing() {
    for (past, command) in [
        (
            requested().into(),
            DropletUpdate::Rename {
                name: name("web-1"),
            },
        ),
        (
            requested().into(),
            DropletUpdate::Tag {
                tag: tag("env:prod"),
            },
        ),
        (
            requested().into(),
            DropletUpdate::Untag { tag: tag("absent") },
        ),
        (requested().into(), DropletUpdate::Unprotect),
        (
            DropletEvent::from(DropletProtected {}),
            DropletUpdate::Protect,
        ),
    ] {
        given::<Droplet>([requested().into(), past])
            .when(command)
            .then_nothing();
    }
}

#[test]
fn a_protected_droplet_is_deleted_only_after_it_was_unprotected() {
    let protected = [DropletEvent::from(requested()), DropletProtected {}.into()];
    given::<Droplet>(protected.clone())
        .when(DropletCommand::RequestDeletion)
        .then_rejected(DropletRejection::DropletProtected);
    given::<Droplet>(protected.into_iter().chain([DropletUnprotected {}.into()]))
        .when(DropletCommand::RequestDeletion)
        .then([DropletDeletionRequested {}]);
}

#[test]
fn protection_is_not_a_lock() {
    given::<Droplet>([DropletEvent::from(requested()), DropletProtected {}.into()])
        .when(DropletUpdate::ReportActive {
            addresses: numbered_addresses(1),
        })
        .then([DropletActivated {
            addresses: numbered_addresses(1),
        }]);
    given::<Droplet>([DropletEvent::from(requested()), DropletProtected {}.into()])
        .when(DropletUpdate::Rename {
            name: name("web-2"),
        })
        .then([DropletRenamed {
            from: name("web-1"),
            name: name("web-2"),
        }]);
}

#[test]
fn protection_lasts_when_the_droplet_becomes_active() {
    given::<Droplet>([
        DropletEvent::from(requested()),
        DropletProtected {}.into(),
        DropletActivated {
            addresses: numbered_addresses(1),
        }
        .into(),
    ])
    .when(DropletCommand::RequestDeletion)
    .then_rejected(DropletRejection::DropletProtected);
}

#[test]
fn deletion_during_provisioning_turns_it_round() {
    let deleted_early = [
        DropletEvent::from(requested()),
        DropletDeletionRequested {}.into(),
    ];
    given::<Droplet>(deleted_early.clone())
        .when(DropletUpdate::ReportActive {
            addresses: numbered_addresses(1),
        })
        .then_rejected(DropletRejection::DropletBeingDeleted);
    given::<Droplet>(deleted_early.clone())
        .when(DropletUpdate::ReportFailed {
            reason: "no capacity".to_owned(),
        })
        .then_rejected(DropletRejection::DropletBeingDeleted);
    given::<Droplet>(deleted_early)
        .when(DropletUpdate::ReportDeleted)
        .then([DropletDeleted {}]);
}

#[test]
fn a_name_is_held_while_the_droplet_lives() {
    for status in DropletStatus::ALL {
        let droplet = fold(Droplet::default(), &history(Some(status)));
        let held = match status {
            DropletStatus::Requested | DropletStatus::Active | DropletStatus::Deleting => true,
            DropletStatus::Failed | DropletStatus::Deleted => false,
        };
        assert_eq!(droplet.live_name().is_some(), held, "{status}");
        assert_eq!(droplet.provisioner().is_some(), held, "{status}");
    }
    let renamed = [
        DropletEvent::from(requested()),
        DropletRenamed {
            from: name("web-1"),
            name: name("web-2"),
        }
        .into(),
    ];
    assert_eq!(
        fold(Droplet::default(), &renamed).live_name(),
        Some(&name("web-2"))
    );
}

#[test]
fn a_cluster_counts_a_droplet_while_the_droplet_lives() {
    let cluster = ClusterId::new(uuid::Uuid::from_u128(1));
    let counters = |status| {
        let mut history = history(status);
        if let Some(DropletEvent::Requested(requested)) = history.first_mut() {
            requested.cluster = Some(cluster);
        }
        fold(Droplet::default(), &history).counters()
    };
    let counted = vec![live_droplets(cluster)];
    assert_eq!(counters(None), []);
    for status in DropletStatus::ALL {
        let expected = match status {
            DropletStatus::Requested | DropletStatus::Active | DropletStatus::Deleting => &counted,
            DropletStatus::Failed | DropletStatus::Deleted => &Vec::new(),
        };
        assert_eq!(counters(Some(status)), *expected, "{status:?}");
    }
}

#[test]
fn a_label_of_an_old_request_is_no_cluster() {
    let labelled = DropletRequested {
        cluster_label: Some(crate::name::ClusterName::parse("blue").expect("a good name")),
        ..requested()
    };
    assert_eq!(fold(Droplet::default(), &[labelled.into()]).counters(), []);
}

#[test]
fn a_droplet_can_be_reached_while_it_is_active() {
    for history in states() {
        let droplet = fold(Droplet::default(), &history);
        let reachable = droplet.status() == Some(DropletStatus::Active);
        assert_eq!(!droplet.addresses().is_empty(), reachable, "{droplet:?}");
    }
}
