//! The provider with blocking calls: on threads, over several hosts, stopped in the middle.

use std::time::Duration;

use fmc_core::cloud::Cloud;
use fmc_core::graph::{ApplyOptions, Choices, Event, Provider as _, StepError, StopFlag, apply, plan};
use fmc_core::host::Host;
use fmc_core::name::HostName;
use fmc_core::network::Network;
use fmc_libvirt::files::Files;
use fmc_libvirt::image::Images;
use fmc_libvirt::link::Link as _;
use fmc_libvirt::provider::Libvirt;
use fmc_libvirt::sim::Sim;

use crate::lab::{Lab, db, small, wanted, web};

fn block_on<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap()
        .block_on(async { tokio::time::timeout(Duration::from_secs(60), future).await.unwrap() })
}

#[test]
fn two_hosts_are_made_at_once() {
    let network =
        |name: &'static str, subnet: &'static str, host: &'static str| Network::nat(name, subnet).host(host);
    let cloud = Cloud::new("first")
        .hosts([Host::new("hv1").uri("qemu+ssh://hv1/system"), Host::new("hv2").uri("qemu+ssh://hv2/system")])
        .networks([network("lab", "10.17.3.0/24", "hv1"), network("far", "10.17.9.0/24", "hv2")])
        .machines([web().host("hv1"), db().host("hv1")])
        .machine(
            fmc_core::machine::Machine::new("other", crate::lab::rocky())
                .host("hv2")
                .memory(fmc_core::unit::Size::gib(1))
                .root_disk(fmc_core::unit::Size::gib(9)),
        );
    let wanted = wanted(&cloud);
    let (one, two) = (Sim::new(), Sim::new());
    let provider = Libvirt::new()
        .images(Images::default().files(Files::anywhere("")))
        .host(HostName::literal("hv1"), one.clone().blocking())
        .host(HostName::literal("hv2"), two.clone().blocking());
    let outcome = block_on(async {
        let seen = provider.observe(&wanted).await.unwrap();
        let first = plan(&provider, &wanted, &seen, &Choices::default());
        let outcome = apply(&first, &provider, ApplyOptions::default(), |_| {}).await.unwrap();
        let seen = provider.observe(&wanted).await.unwrap();
        assert!(plan(&provider, &wanted, &seen, &Choices::default()).is_empty());
        outcome
    });
    assert!(outcome.is_converged(), "{outcome:?}");
    assert_eq!((one.domains().unwrap().len(), two.domains().unwrap().len()), (2, 1));
}

#[test]
fn a_stop_in_an_upload_leaves_nothing_of_it() {
    let sim = Sim::new();
    let provider = Libvirt::new()
        .images(Images::default().files(Files::anywhere("")))
        .host(HostName::literal("local"), sim.clone().blocking());
    let stop = StopFlag::default();
    let outcome = block_on(async {
        let seen = provider.observe(&small()).await.unwrap();
        let first = plan(&provider, &small(), &seen, &Choices::default());
        let options = ApplyOptions { stop: stop.clone(), ..ApplyOptions::default() };
        apply(&first, &provider, options, |event| {
            if matches!(&event, Event::Started { address, .. } if address.contains("base.")) {
                stop.stop();
            }
        })
        .await
        .unwrap()
    });
    assert!(!outcome.is_converged());
    assert!(outcome.failed.iter().all(|(_, error)| *error == StepError::Cancelled), "{outcome:?}");
    let lab = Lab::on(sim);
    assert!(lab.volumes("base.").is_empty(), "{:?}", lab.lists());
    lab.apply(&small());
}

#[test]
fn a_dropped_apply_can_be_made_again() {
    let sim = Sim::new();
    let provider = Libvirt::new()
        .images(Images::default().files(Files::anywhere("")))
        .host(HostName::literal("local"), sim.clone().blocking());
    block_on(async {
        let seen = provider.observe(&small()).await.unwrap();
        let first = plan(&provider, &small(), &seen, &Choices::default());
        let (sender, receiver) = tokio::sync::oneshot::channel();
        let mut sender = Some(sender);
        let run = apply(&first, &provider, ApplyOptions::default(), |_| {
            if let Some(sender) = sender.take() {
                // The receiver is gone after the drop.
                let _ = sender.send(());
            }
        });
        {
            let run = std::pin::pin!(run);
            drop(futures_util::future::select(run, receiver).await);
        }
        // A running step continues to its end, and the next plan sees its result.
        tokio::time::sleep(Duration::from_millis(200)).await;
    });
    Lab::on(sim).apply(&small());
}
