//! The table of keys: constant, name, name in a file, type, and description. Its order is the order in a file.

use super::{Entry, FlagType, List, Setting, keys};
use crate::addr::{Ip, Subnet};
use crate::k3s::node::{Label, Taint};
use crate::k3s::san::CertName;
use crate::k3s::value::{Argument, Bind, Count, Duration, Line, Port, PortRange, Schedule, ServerUrl};
use crate::k3s::word::{BucketLookup, Component, EgressMode, EncryptionProvider, FlannelBackend};
use crate::name::{DomainName, NodeName};
use crate::path::{AbsPath, HttpUrl};
use crate::secret::Secret;
use crate::unit::FileMode;

keys! {
    // The cluster.
    /// The server or balancer through which a node joins.
    SERVER Server "server" text<ServerUrl> .both().owned("`endpoint` of the cluster");
    /// Whether this server begins a new cluster with an etcd of its own.
    CLUSTER_INIT ClusterInit "cluster-init" flag .servers().owned("`initial` of the cluster");
    /// The secret by which servers, and agents if they have none of their own, join.
    TOKEN Token "token" secret .both().owned("`credentials` of the cluster");
    /// A file with the token.
    TOKEN_FILE TokenFile "token-file" text<AbsPath> .both().owned("`credentials` of the cluster");
    /// The secret by which agents join, and servers do not.
    AGENT_TOKEN AgentToken "agent-token" secret .servers().critical().owned("`credentials` of the cluster");
    /// A file with the token of agents.
    AGENT_TOKEN_FILE AgentTokenFile "agent-token-file" text<AbsPath> .servers().owned("`credentials` of the cluster");
    /// Whether this server forgets all others and continues alone.
    CLUSTER_RESET ClusterReset "cluster-reset" flag .servers().owned("`k3s server --cluster-reset`, once and by hand: in a file it would happen at every start");
    /// The snapshot that a reset restores.
    CLUSTER_RESET_RESTORE_PATH ClusterResetRestorePath "cluster-reset-restore-path" text<Line> .servers().owned("`k3s server --cluster-reset`, once and by hand: in a file it would happen at every start");
    /// The folder of all state.
    DATA_DIR DataDir "data-dir" text<AbsPath> .both().owned("a disk of the machine that is mounted at /var/lib/rancher");
    /// Another file than this one.
    CONFIG Config "config" text<AbsPath> .both().owned("the keys themselves: fmc writes this file");

    // The node.
    /// The name of the node.
    NODE_NAME NodeName "node-name" text<NodeName> .both().owned("the name of the machine");
    /// Whether an id is added to the name of the node.
    WITH_NODE_ID WithNodeId "with-node-id" flag .both().owned("the name of the machine");
    /// The addresses of the node inside the cluster.
    NODE_IP NodeIp "node-ip" list<Ip> .both().owned("the addresses of the machine");
    /// The addresses of the node for the outside, beside `external_addresses` of the machine.
    NODE_EXTERNAL_IP NodeExternalIp "node-external-ip" list<Ip> .both();
    /// The names of the node inside the cluster.
    NODE_INTERNAL_DNS NodeInternalDns "node-internal-dns" list<DomainName> .both();
    /// The names of the node for the outside.
    NODE_EXTERNAL_DNS NodeExternalDns "node-external-dns" list<DomainName> .both();
    /// Labels that the node registers with, beside `labels` of the machine.
    NODE_LABEL NodeLabel "node-label" list<Label> .both();
    /// Taints that the node registers with, beside `taints` of the machine.
    NODE_TAINT NodeTaint "node-taint" list<Taint> .both();
    /// Whether the kubelet refuses to start if kernel settings differ from its defaults.
    PROTECT_KERNEL_DEFAULTS ProtectKernelDefaults "protect-kernel-defaults" flag .both();
    /// Whether containers are confined by SELinux.
    SELINUX Selinux "selinux" flag .both().owned("the operating system of the machine's image");

    // Listeners.
    /// The address on which K3s listens.
    BIND_ADDRESS BindAddress "bind-address" text<Bind> .both();
    /// The port on which the API server answers.
    HTTPS_LISTEN_PORT HttpsListenPort "https-listen-port" int<Port> .servers().owned("`endpoint` of the cluster");
    /// The address by which others reach this API server.
    ADVERTISE_ADDRESS AdvertiseAddress "advertise-address" text<Ip> .servers().owned("the addresses of the machine");
    /// The port by which others reach this API server.
    ADVERTISE_PORT AdvertisePort "advertise-port" int<Port> .servers().owned("`endpoint` of the cluster");
    /// Further names and addresses in the certificate of the API server, beside `tls_san` of the cluster and the derived ones.
    TLS_SAN TlsSan "tls-san" list<CertName> .servers();
    /// Whether the certificate takes only names that are known, and not those that clients ask for.
    TLS_SAN_SECURITY TlsSanSecurity "tls-san-security" flag .servers();
    /// Another port of the supervisor.
    SUPERVISOR_PORT SupervisorPort "supervisor-port" int<Port> .servers().hidden().owned("`endpoint` of the cluster");
    /// The port of the API server inside the server.
    APISERVER_PORT ApiserverPort "apiserver-port" int<Port> .servers().hidden().owned("`endpoint` of the cluster");
    /// The address of the API server inside the server.
    APISERVER_BIND_ADDRESS ApiserverBindAddress "apiserver-bind-address" text<Bind> .servers().hidden().owned("`endpoint` of the cluster");
    /// The local port of the node's own balancer in front of the servers.
    LB_SERVER_PORT LbServerPort "lb-server-port" int<Port> .both();
    /// Whether the node goes without its own balancer, straight to the server it joined by.
    DISABLE_APISERVER_LB DisableApiserverLb "disable-apiserver-lb" flag .agents();

    // The network of pods.
    /// The networks of pods.
    CLUSTER_CIDR ClusterCidr "cluster-cidr" list<Subnet> .servers().critical().owned("`pods` of the cluster");
    /// The networks of Services.
    SERVICE_CIDR ServiceCidr "service-cidr" list<Subnet> .servers().critical().owned("`services` of the cluster");
    /// The ports that Services may open on nodes.
    SERVICE_NODE_PORT_RANGE ServiceNodePortRange "service-node-port-range" text<PortRange> .servers();
    /// The addresses of the cluster's DNS, inside the networks of Services.
    CLUSTER_DNS ClusterDns "cluster-dns" list<Ip> .servers().critical().owned("`cluster_dns` of the cluster");
    /// The domain of the cluster.
    CLUSTER_DOMAIN ClusterDomain "cluster-domain" text<DomainName> .servers().critical().owned("`cluster_domain` of the cluster");
    /// How pods of different nodes reach each other.
    FLANNEL_BACKEND FlannelBackend "flannel-backend" text<FlannelBackend> .servers().critical().owned("`flannel` of the cluster");
    /// Whether pods leave the cluster by the node's IPv6 address.
    FLANNEL_IPV6_MASQ FlannelIpv6Masq "flannel-ipv6-masq" flag .servers().critical();
    /// Whether traffic between pods goes by the nodes' external addresses.
    FLANNEL_EXTERNAL_IP FlannelExternalIp "flannel-external-ip" flag .servers().critical();
    /// The interface that traffic between pods takes.
    FLANNEL_IFACE FlannelIface "flannel-iface" text<Line> .both();
    /// A configuration of flannel that replaces K3s's.
    FLANNEL_CONF FlannelConf "flannel-conf" text<AbsPath> .both();
    /// A configuration of flannel's CNI plug-in that replaces K3s's.
    FLANNEL_CNI_CONF FlannelCniConf "flannel-cni-conf" text<AbsPath> .both();
    /// How the API server reaches kubelets and pods.
    EGRESS_SELECTOR_MODE EgressSelectorMode "egress-selector-mode" text<EgressMode> .servers().critical().owned("`egress` of the cluster");
    /// The namespace of the pods of K3s's load balancer of Services.
    SERVICELB_NAMESPACE ServicelbNamespace "servicelb-namespace" text<Line> .servers();
    /// The resolvers of pods that use the node's, as a file.
    RESOLV_CONF ResolvConf "resolv-conf" text<AbsPath> .both();
    /// The account of a VPN that joins the nodes.
    VPN_AUTH VpnAuth "vpn-auth" secret .both();
    /// A file with the account of a VPN.
    VPN_AUTH_FILE VpnAuthFile "vpn-auth-file" text<AbsPath> .both();

    // Components.
    /// Packaged components that are left out, beside `disable` of the cluster.
    DISABLE Disable "disable" list<Component> .servers().critical();
    /// Whether the scheduler is left out.
    DISABLE_SCHEDULER DisableScheduler "disable-scheduler" flag .servers();
    /// Whether the cloud controller is left out.
    DISABLE_CLOUD_CONTROLLER DisableCloudController "disable-cloud-controller" flag .servers().critical();
    /// Whether kube-proxy is left out.
    DISABLE_KUBE_PROXY DisableKubeProxy "disable-kube-proxy" flag .servers();
    /// Whether K3s's controller of network policies is left out.
    DISABLE_NETWORK_POLICY DisableNetworkPolicy "disable-network-policy" flag .servers().critical();
    /// Whether the Helm controller is left out.
    DISABLE_HELM_CONTROLLER DisableHelmController "disable-helm-controller" flag .servers().critical();
    /// Whether the server has no API server.
    DISABLE_APISERVER DisableApiserver "disable-apiserver" flag .servers().hidden().owned("`servers` of the cluster: each of them is a whole server");
    /// Whether the server has no controller manager.
    DISABLE_CONTROLLER_MANAGER DisableControllerManager "disable-controller-manager" flag .servers().hidden().owned("`servers` of the cluster: each of them is a whole server");
    /// Whether the server has no etcd.
    DISABLE_ETCD DisableEtcd "disable-etcd" flag .servers().hidden().owned("`servers` of the cluster: each of them is a whole server");
    /// Whether the server is not a node.
    DISABLE_AGENT DisableAgent "disable-agent" flag .servers().hidden().owned("the taints of the servers, which keeps pods away from them");
    /// Whether nodes give images to each other.
    EMBEDDED_REGISTRY EmbeddedRegistry "embedded-registry" flag .servers().critical();
    /// Whether K3s's own metrics are on the supervisor's port.
    SUPERVISOR_METRICS SupervisorMetrics "supervisor-metrics" flag .servers().critical();
    /// Whether secrets are encrypted in the datastore; it cannot be turned on later.
    SECRETS_ENCRYPTION SecretsEncryption "secrets-encryption" flag .servers().critical().owned("`secrets_encryption` of the cluster");
    /// How secrets are encrypted in the datastore.
    SECRETS_ENCRYPTION_PROVIDER SecretsEncryptionProvider "secrets-encryption-provider" text<EncryptionProvider> .servers().critical().owned("`secrets_encryption` of the cluster");
    /// The default folder of volumes of local storage.
    DEFAULT_LOCAL_STORAGE_PATH DefaultLocalStoragePath "default-local-storage-path" text<AbsPath> .servers();
    /// The image of jobs that install charts.
    HELM_JOB_IMAGE HelmJobImage "helm-job-image" text<Line> .servers().deprecated(Key::HelmControllerArg);

    // Arguments of components.
    /// Arguments of the API server.
    KUBE_APISERVER_ARG KubeApiserverArg "kube-apiserver-arg" list<Argument> .servers();
    /// Arguments of etcd.
    ETCD_ARG EtcdArg "etcd-arg" list<Argument> .servers();
    /// Arguments of the scheduler.
    KUBE_SCHEDULER_ARG KubeSchedulerArg "kube-scheduler-arg" list<Argument> .servers();
    /// Arguments of the controller manager.
    KUBE_CONTROLLER_MANAGER_ARG KubeControllerManagerArg "kube-controller-manager-arg" list<Argument> .servers();
    /// Arguments of the cloud controller manager.
    KUBE_CLOUD_CONTROLLER_MANAGER_ARG KubeCloudControllerManagerArg "kube-cloud-controller-manager-arg" list<Argument> .servers();
    /// Arguments of the Helm controller.
    HELM_CONTROLLER_ARG HelmControllerArg "helm-controller-arg" list<Argument> .servers().since("v1.36.3+k3s1");
    /// Arguments of the controller manager, by an older name.
    KUBE_CONTROLLER_ARG KubeControllerArg "kube-controller-arg" list<Argument> .servers().hidden().deprecated(Key::KubeControllerManagerArg);
    /// Arguments of the cloud controller manager, by an older name.
    KUBE_CLOUD_CONTROLLER_ARG KubeCloudControllerArg "kube-cloud-controller-arg" list<Argument> .servers().hidden().deprecated(Key::KubeCloudControllerManagerArg);
    /// Arguments of the kubelet.
    KUBELET_ARG KubeletArg "kubelet-arg" list<Argument> .both();
    /// Arguments of kube-proxy.
    KUBE_PROXY_ARG KubeProxyArg "kube-proxy-arg" list<Argument> .both();

    // The datastore.
    /// The database that holds the cluster, with its password; etcd or SQLite on the server by default.
    DATASTORE_ENDPOINT DatastoreEndpoint "datastore-endpoint" secret .servers().owned("`datastore` of the cluster");
    /// The authority of the database's certificate.
    DATASTORE_CAFILE DatastoreCafile "datastore-cafile" text<AbsPath> .servers().owned("`datastore` of the cluster");
    /// The certificate by which K3s is known to the database.
    DATASTORE_CERTFILE DatastoreCertfile "datastore-certfile" text<AbsPath> .servers().owned("`datastore` of the cluster");
    /// The key of that certificate.
    DATASTORE_KEYFILE DatastoreKeyfile "datastore-keyfile" text<AbsPath> .servers().owned("`datastore` of the cluster");
    /// Whether kine, which stands in for etcd, speaks TLS.
    KINE_TLS KineTls "kine-tls" flag .servers().hidden();
    /// Whether etcd's metrics are open to other machines.
    ETCD_EXPOSE_METRICS EtcdExposeMetrics "etcd-expose-metrics" flag .servers();
    /// Whether no snapshots of etcd are made by themselves.
    ETCD_DISABLE_SNAPSHOTS EtcdDisableSnapshots "etcd-disable-snapshots" flag .servers().owned("`snapshots` of the cluster");
    /// The prefix of the snapshots' names.
    ETCD_SNAPSHOT_NAME EtcdSnapshotName "etcd-snapshot-name" text<Line> .servers().owned("`snapshots` of the cluster");
    /// When snapshots are made.
    ETCD_SNAPSHOT_SCHEDULE_CRON EtcdSnapshotScheduleCron "etcd-snapshot-schedule-cron" text<Schedule> .servers().owned("`snapshots` of the cluster");
    /// How often the list of snapshots is compared with the files that are there.
    ETCD_SNAPSHOT_RECONCILE_INTERVAL EtcdSnapshotReconcileInterval "etcd-snapshot-reconcile-interval" time<Duration> .servers();
    /// How many snapshots are kept.
    ETCD_SNAPSHOT_RETENTION EtcdSnapshotRetention "etcd-snapshot-retention" int<Count> .servers().owned("`snapshots` of the cluster");
    /// The folder of snapshots.
    ETCD_SNAPSHOT_DIR EtcdSnapshotDir "etcd-snapshot-dir" text<AbsPath> .servers().owned("`snapshots` of the cluster");
    /// Whether snapshots are compressed.
    ETCD_SNAPSHOT_COMPRESS EtcdSnapshotCompress "etcd-snapshot-compress" flag .servers().owned("`snapshots` of the cluster");
    /// Whether snapshots go to S3 too.
    ETCD_S3 EtcdS3 "etcd-s3" flag .servers().owned("`snapshots` of the cluster");
    /// The host of the S3 service, without a scheme.
    ETCD_S3_ENDPOINT EtcdS3Endpoint "etcd-s3-endpoint" text<Line> .servers().owned("`snapshots` of the cluster");
    /// The authority of the S3 service's certificate.
    ETCD_S3_ENDPOINT_CA EtcdS3EndpointCa "etcd-s3-endpoint-ca" text<AbsPath> .servers().owned("`snapshots` of the cluster");
    /// Whether any certificate of the S3 service will do.
    ETCD_S3_SKIP_SSL_VERIFY EtcdS3SkipSslVerify "etcd-s3-skip-ssl-verify" flag .servers().owned("`snapshots` of the cluster");
    /// The id of the S3 key, which is not secret.
    ETCD_S3_ACCESS_KEY EtcdS3AccessKey "etcd-s3-access-key" text<Line> .servers().owned("`snapshots` of the cluster");
    /// The S3 key.
    ETCD_S3_SECRET_KEY EtcdS3SecretKey "etcd-s3-secret-key" secret .servers().owned("`snapshots` of the cluster");
    /// The S3 key's token of a session.
    ETCD_S3_SESSION_TOKEN EtcdS3SessionToken "etcd-s3-session-token" secret .servers().owned("`snapshots` of the cluster");
    /// The bucket.
    ETCD_S3_BUCKET EtcdS3Bucket "etcd-s3-bucket" text<Line> .servers().owned("`snapshots` of the cluster");
    /// How the address of the bucket is made.
    ETCD_S3_BUCKET_LOOKUP_TYPE EtcdS3BucketLookupType "etcd-s3-bucket-lookup-type" text<BucketLookup> .servers();
    /// The region of the bucket.
    ETCD_S3_REGION EtcdS3Region "etcd-s3-region" text<Line> .servers().owned("`snapshots` of the cluster");
    /// The folder in the bucket.
    ETCD_S3_FOLDER EtcdS3Folder "etcd-s3-folder" text<Line> .servers().owned("`snapshots` of the cluster");
    /// How many snapshots are kept in the bucket.
    ETCD_S3_RETENTION EtcdS3Retention "etcd-s3-retention" int<Count> .servers().owned("`snapshots` of the cluster");
    /// The proxy on the way to the S3 service.
    ETCD_S3_PROXY EtcdS3Proxy "etcd-s3-proxy" text<HttpUrl> .servers();
    /// A Secret in the namespace kube-system that holds the whole configuration of S3.
    ETCD_S3_CONFIG_SECRET EtcdS3ConfigSecret "etcd-s3-config-secret" text<DomainName> .servers().owned("`snapshots` of the cluster");
    /// Whether the S3 service is spoken to without TLS.
    ETCD_S3_INSECURE EtcdS3Insecure "etcd-s3-insecure" flag .servers().owned("`snapshots` of the cluster");
    /// How long the S3 service may take.
    ETCD_S3_TIMEOUT EtcdS3Timeout "etcd-s3-timeout" time<Duration> .servers();

    // The container runtime.
    /// Whether containers are Docker's.
    DOCKER Docker "docker" flag .both();
    /// The socket of a container runtime that replaces K3s's.
    CONTAINER_RUNTIME_ENDPOINT ContainerRuntimeEndpoint "container-runtime-endpoint" text<Line> .both();
    /// The runtime class of pods that name none.
    DEFAULT_RUNTIME DefaultRuntime "default-runtime" text<Line> .both();
    /// The socket of an image service that replaces K3s's.
    IMAGE_SERVICE_ENDPOINT ImageServiceEndpoint "image-service-endpoint" text<Line> .both();
    /// Another registries.yaml than K3s's own.
    PRIVATE_REGISTRY PrivateRegistry "private-registry" text<AbsPath> .both();
    /// The registry that K3s's own images are from.
    SYSTEM_DEFAULT_REGISTRY SystemDefaultRegistry "system-default-registry" text<Line> .servers();
    /// Further registries under which images from files are tagged.
    AIRGAP_EXTRA_REGISTRY AirgapExtraRegistry "airgap-extra-registry" list<Line> .both().hidden();
    /// The image of the pause container.
    PAUSE_IMAGE PauseImage "pause-image" text<Line> .both();
    /// How containerd keeps layers of images.
    SNAPSHOTTER Snapshotter "snapshotter" text<Line> .both();
    /// Whether a mirror is all there is, and the registry itself is never asked.
    DISABLE_DEFAULT_REGISTRY_ENDPOINT DisableDefaultRegistryEndpoint "disable-default-registry-endpoint" flag .both();
    /// Whether pods that are not root may use devices.
    NONROOT_DEVICES NonrootDevices "nonroot-devices" flag .both();
    /// The folder of plug-ins that give the kubelet credentials of registries.
    IMAGE_CREDENTIAL_PROVIDER_BIN_DIR ImageCredentialProviderBinDir "image-credential-provider-bin-dir" text<AbsPath> .both();
    /// The configuration of those plug-ins.
    IMAGE_CREDENTIAL_PROVIDER_CONFIG ImageCredentialProviderConfig "image-credential-provider-config" text<AbsPath> .both();
    /// Whether programs that K3s carries come before those of the system.
    PREFER_BUNDLED_BIN PreferBundledBin "prefer-bundled-bin" flag .both();
    /// Whether K3s runs as a user that is not root.
    ROOTLESS Rootless "rootless" flag .both();

    // The kubeconfig that a server writes.
    /// The path that it is written to.
    WRITE_KUBECONFIG WriteKubeconfig "write-kubeconfig" text<AbsPath> .servers();
    /// Its permissions.
    WRITE_KUBECONFIG_MODE WriteKubeconfigMode "write-kubeconfig-mode" text<FileMode> .servers();
    /// Its group.
    WRITE_KUBECONFIG_GROUP WriteKubeconfigGroup "write-kubeconfig-group" text<Line> .servers();
    /// The name of cluster, user and context in it.
    WRITE_KUBECONFIG_NAME WriteKubeconfigName "write-kubeconfig-name" text<Line> .servers().since("v1.36.3+k3s1");

    // The log.
    /// Whether much is logged.
    DEBUG Debug "debug" flag .both();
    /// How much Kubernetes' parts log.
    V V "v" int<Count> .both();
    /// How much single files of their source log.
    VMODULE Vmodule "vmodule" text<Line> .both();
    /// A file for the log, instead of the journal.
    LOG Log "log" text<AbsPath> .both();
    /// Whether the log goes to the journal as well as to its file.
    ALSOLOGTOSTDERR Alsologtostderr "alsologtostderr" flag .both();
    /// Whether profiles of the program can be had from the supervisor's port.
    ENABLE_PPROF EnablePprof "enable-pprof" flag .both();
}
