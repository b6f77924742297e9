# A hook of mmdebstrap, which has no apt in the root: downloads the kernel's package with this machine's, by the root's sources.
# $1: the root. $2: the package that depends on the kernel's. $3: where to put it.
set -eu
export APT_CONFIG="$MMDEBSTRAP_APT_CONFIG"
depended() {
    apt-cache depends "$1" | sed -n "s/^ *Depends: \\($2-[^ ]*\\)\$/\\1/p" | head -n 1
}
image=$(depended "$2" linux-image)
: "${image:?"$2" depends on no linux-image}"
cd "$3"
: >newest-kernel
# Ubuntu has the modules in a package of their own.
for name in "$image" $(depended "$image" linux-modules); do
    apt-get download -qq -o APT::Sandbox::User=root "$name"
    ls -t "$name"_*.deb | head -n 1 >>newest-kernel
done
