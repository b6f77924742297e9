use super::*;

fn findings(dropin: &Dropin) -> Vec<String> {
    let mut findings = Vec::new();
    dropin.check(&At::ROOT.key("kubelet"), &mut findings);
    findings.iter().map(|finding| format!("{}: {}", finding.at(), finding.message())).collect()
}

fn example() -> Dropin {
    Dropin::new("50-own.conf")
        .max_pods(200)
        .protect_kernel_defaults(true)
        .streaming_connection_idle_timeout("5m")
        .tls_cipher_suites(["TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"])
        .tls_min_version(TlsVersion::Tls12)
        .eviction_hard([("memory.available", "200Mi"), ("nodefs.available", "10%")])
        .eviction_soft([("memory.available", "300Mi")])
        .eviction_soft_grace_period([("memory.available", "90s")])
        .system_reserved([("cpu", "500m"), ("memory", "1")])
        .image_gc_high_threshold_percent(70)
        .image_gc_low_threshold_percent(60)
        .shutdown_grace_period("60s")
        .shutdown_grace_period_critical_pods("20s")
        .feature_gates([("NodeSwap", true)])
}

#[test]
fn the_file_is_the_kubelets() {
    assert_eq!(findings(&example()), <[&str; 0]>::default());
    let expected = "apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
maxPods: 200
protectKernelDefaults: true
streamingConnectionIdleTimeout: \"5m\"
tlsCipherSuites:
- TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256
tlsMinVersion: VersionTLS12
evictionHard:
  memory.available: \"200Mi\"
  nodefs.available: \"10%\"
evictionSoft:
  memory.available: \"300Mi\"
evictionSoftGracePeriod:
  memory.available: \"1m30s\"
systemReserved:
  cpu: \"500m\"
  memory: \"1\"
imageGCHighThresholdPercent: 70
imageGCLowThresholdPercent: 60
shutdownGracePeriod: \"1m\"
shutdownGracePeriodCriticalPods: \"20s\"
featureGates:
  NodeSwap: true
";
    assert_eq!(example().pieces(), [Piece::Text(expected.to_owned())]);
    assert_eq!(
        example().path().unwrap().as_str(),
        "/var/lib/rancher/k3s/agent/etc/kubelet.conf.d/50-own.conf"
    );
    assert!(
        reads_dropins("v1.32.0+k3s1".parse().unwrap()) && !reads_dropins("v1.31.9+k3s1".parse().unwrap())
    );
}

#[test]
fn a_file_of_a_cloud_says_the_same_by_kubernetes_own_names() {
    let file = serde_json::to_value(example()).unwrap();
    assert_eq!(file["imageGCHighThresholdPercent"], 70);
    let read: Dropin = serde_json::from_value(file).unwrap();
    assert_eq!(read.with_name("50-own.conf".into()), example());
    assert!(serde_json::from_str::<Dropin>(r#"{"maxPod": 5}"#).is_err());
}

#[test]
fn what_a_kubelet_would_refuse_is_a_finding() {
    let dropin = Dropin::new("00-k3s-defaults.conf")
        .eviction_hard([("memory.free", "1Gi"), ("nodefs.available", "ten")])
        .eviction_soft([("memory.available", "1Gi")])
        .system_reserved([("gpu", "1")])
        .image_gc_low_threshold_percent(90)
        .shutdown_grace_period_critical_pods("10s")
        .container_log_max_files(1)
        .max_parallel_image_pulls(4);
    assert_eq!(
        findings(&dropin),
        [
            "kubelet: 00-k3s-defaults.conf is the name of K3s's own drop-in",
            "kubelet.evictionHard.nodefs.available: \"ten\" is not a valid threshold of eviction",
            "kubelet.evictionHard: the kubelet does not know `memory.free`",
            "kubelet.systemReserved: the kubelet does not know `gpu`",
            "kubelet.evictionSoft: `memory.available` has no grace period",
            "kubelet.imageGCLowThresholdPercent: the kubelet would begin to delete images at 85 % and stop at 90 %",
            "kubelet.shutdownGracePeriodCriticalPods: critical pods get 10s, more than the 0s that the whole shutdown waits",
            "kubelet.containerLogMaxFiles: a container's log cannot be rotated into fewer than 2 files",
            "kubelet.maxParallelImagePulls: several images are to be pulled in parallel, but the kubelet pulls one after another",
        ]
    );
    assert_eq!(findings(&Dropin::new("own.yaml")), ["kubelet: \"own.yaml\" is not a valid drop-in name"]);
}
