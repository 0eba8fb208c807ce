#!/usr/bin/env bash
# Installs inboxwatch as a service of Debian 12 or Ubuntu 24.04, upgrades it, rolls back, removes it.
# What lies where, and what to do when: deploy/README.md. `install.sh --help` shows the commands.
set -euo pipefail
umask 022
# PYTHONSAFEPATH: nothing is imported from the folder that this is called in.
export PYTHONDONTWRITEBYTECODE=1 PYTHONSAFEPATH=1 PIP_NO_INPUT=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore

usage() {
  cat <<'HELP'
Usage: install.sh [COMMAND] [OPTION]...

Commands:
  install    install, or upgrade what is installed (the default); doing it again changes nothing
  rollback   go back to the version before
  status     say what is installed
  remove     take the program away; config, secrets, store and user stay

Options:
  --from PATH            a wheel, or a checkout to build one from; default: the checkout or the wheel beside this script,
                         else the wheel of the version at work
  --extras LIST          optional packages: all, or some of apprise,ews,gmail,graph,mysql,postgresql,slack
                         default: those that are installed, at first none; `--extras none` takes them away
  --no-packages          the program alone: what it imports, and pip, is there by other means (--extras is only noted)
  --wheels DIR           take every package from this folder, and ask no package index (`pip download` fills it)
  --python PATH          the interpreter, 3.11 or newer; default: /usr/bin/python3
  --no-start             leave the daemon as it is: neither enabled nor started, on an upgrade not restarted
  --store-is-backed-up   make no copy of the store before an upgrade that changes its tables
  --restore-store        with rollback: bring back the copy of the store from before the upgrade
  --purge                with remove: config, secrets, store and user, too; nothing stays
  --root DIR             below this folder instead of /: no user is made, and no service touched
  --dry-run              say what would be done
  -h, --help

Examples:
  sudo deploy/install.sh                                      from this checkout
  sudo ./install.sh --from inboxwatch-1.4.0-py3-none-any.whl --extras postgresql,slack
  sudo /opt/inboxwatch/install.sh --extras postgresql,slack   the version at work, with further packages
  sudo /opt/inboxwatch/install.sh rollback
  sudo /opt/inboxwatch/install.sh remove --purge
HELP
}

say() { printf '%s\n' "$*"; }
fail() {
  printf 'install.sh: %s\n' "$*" >&2
  exit 1
}
# Does a step, or says it under --dry-run.
do_() {
  if [ -n "$dry" ]; then
    printf 'would: %s\n' "$*"
  else
    "$@"
  fi
}

command=install from='' extras='' packages=yes wheels='' python=/usr/bin/python3 root='' dry='' start=yes purge='' restore='' backed_up=''

value() { [ $# -ge 2 ] && [ -n "$2" ] || fail "$1 needs a value; see --help"; }
while [ $# -gt 0 ]; do
  case $1 in
    install | rollback | status | remove) command=$1 ;;
    --from) value "$@" && from=$2 && shift ;;
    --extras) value "$@" && extras=$2 && shift ;;
    --no-packages) packages='' ;;
    --wheels) value "$@" && wheels=$2 && shift ;;
    --python) value "$@" && python=$2 && shift ;;
    --root) value "$@" && root=${2%/} && shift ;;
    --no-start) start='' ;;
    --store-is-backed-up) backed_up=yes ;;
    --restore-store) restore=yes ;;
    --purge) purge=yes ;;
    --dry-run) dry=yes ;;
    -h | --help) usage && exit ;;
    *) fail "$1 is neither a command nor an option; see --help" ;;
  esac
  shift
done

user=inboxwatch
opt=$root/opt/inboxwatch
etc=$root/etc/inboxwatch
state=$root/var/lib/inboxwatch
config=$etc/inboxwatch.yaml
program=$root/usr/local/bin/inboxwatch
unit=$root/etc/systemd/system/inboxwatch.service
backups=$state/backups

work=''
cleanup() { [ -z "$work" ] || rm -rf "$work"; }
trap cleanup EXIT

# --- the machine -----------------------------------------------------------------------------------------------------

service() { [ -z "$root" ] && [ -n "$start" ] && [ -d /run/systemd/system ]; }
running() { service && systemctl is-active --quiet inboxwatch; }

need_root() {
  [ -n "$root" ] || [ -n "$dry" ] || [ "$(id -u)" -eq 0 ] || fail "this changes the machine: run it as root (sudo)"
}

# As the daemon's user, with the secrets that systemd would hand it.
as_daemon() {
  if [ -n "$root" ]; then
    CREDENTIALS_DIRECTORY=$etc/secrets "$@"
  else
    (cd "$state" && setpriv --reuid="$user" --regid="$user" --init-groups --inh-caps=-all \
      env HOME="$state" CREDENTIALS_DIRECTORY="$etc/secrets" "$@")
  fi
}

usable_python() {
  "$python" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

apt_get() {
  DEBIAN_FRONTEND=noninteractive apt-get -qq -o Dpkg::Use-Pty=0 "$@" >"$work/log" 2>&1 ||
    fail "apt-get $* failed: $(cat "$work/log")"
}

bring_python() {
  usable_python && return
  if [ -n "$root" ] || [ "$python" != /usr/bin/python3 ] || ! command -v apt-get >/dev/null; then
    fail "$python is not Python 3.11 or newer with its module venv; name another by --python"
  fi
  say "Installing python3, python3-venv and ca-certificates by apt-get; they stay when inboxwatch is removed."
  do_ apt_get update
  do_ apt_get -y --no-install-recommends install python3 python3-venv ca-certificates
  [ -n "$dry" ] || usable_python || fail "this system's Python is older than 3.11; name another by --python"
}

lock() {
  exec 9>"$opt/.lock"
  flock --nonblock 9 || fail "another install.sh is at work on $opt"
}

make_account() {
  [ -z "$root" ] || return 0
  getent passwd "$user" >/dev/null ||
    do_ useradd --system --user-group --home-dir /var/lib/inboxwatch --no-create-home --shell /usr/sbin/nologin "$user"
}

# folder MODE OWNER GROUP PATH
folder() {
  if [ -n "$root" ]; then
    do_ install -d -m "$1" "$4"
  else
    do_ install -d -m "$1" -o "$2" -g "$3" "$4"
  fi
}

make_folders() {
  folder 0755 root root "$opt"
  folder 0750 root "$user" "$etc"
  folder 0750 root "$user" "$etc/secrets"
  folder 0700 "$user" "$user" "$state"
  [ -z "$root" ] && [ -z "$dry" ] || return 0
  # Secrets are the daemon's to read and root's to write, whatever mode an editor has left behind.
  find "$etc/secrets" -type f -exec chown "root:$user" {} + -exec chmod 0640 {} +
}

# --- the version to install ------------------------------------------------------------------------------------------

pip_install() {
  local venv=$1
  shift
  "$venv/bin/python" -m pip -qq install ${wheels:+--no-index --find-links "$wheels"} "$@" ||
    fail "pip could not install into $venv (its words are above). No way to a package index? See --wheels in --help."
}

find_wheel() {
  local here found
  here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
  if [ -z "$from" ] && [ -f "$here/../pyproject.toml" ]; then
    from=$(dirname "$here")
  elif [ -z "$from" ]; then
    found=("$here"/inboxwatch-*.whl)
    [ -f "${found[0]}" ] || found=("$opt/current"/inboxwatch-*.whl)
    [ ${#found[@]} -eq 1 ] && [ -f "${found[0]}" ] || fail "name a wheel or a checkout: --from PATH"
    from=${found[0]}
  fi
  if [ -d "$from" ]; then
    [ -f "$from/pyproject.toml" ] || fail "$from is no checkout of inboxwatch: it has no pyproject.toml"
    say "Building the wheel of $from ..."
    "$python" -m venv "$work/build"
    pip_install "$work/build" --require-hashes --requirement "$from/requirements-build.txt"
    (cd "$from" && "$work/build/bin/hatchling" build --target wheel --directory "$work/wheel" >/dev/null 2>"$work/log") ||
      fail "the wheel could not be built: $(cat "$work/log")"
    wheel=$(echo "$work"/wheel/inboxwatch-*.whl)
  else
    [ -f "$from" ] || fail "$from does not exist"
    wheel=$(realpath "$from")
  fi
  case $(basename "$wheel") in
    inboxwatch-*.whl) ;;
    *) fail "$wheel is no wheel of inboxwatch" ;;
  esac
}

choose_extras() {
  if [ -z "$extras" ]; then
    extras=none
    [ ! -f "$opt/current/extras" ] || extras=$(cat "$opt/current/extras")
  fi
  locks=()
  local extra
  for extra in ${extras//,/ }; do
    [ "$extra" != none ] || extra=base
    unzipped "inboxwatch/locks/$extra.txt" "$work/$extra.txt" ||
      fail "--extras: $extra is none of apprise, ews, gmail, graph, mysql, postgresql, slack, all, none"
    locks+=(--requirement "$work/$extra.txt")
  done
}

# unzipped NAME TARGET: a file of the wheel
unzipped() {
  "$python" -c 'import sys, zipfile; sys.stdout.buffer.write(zipfile.ZipFile(sys.argv[1]).read(sys.argv[2]))' \
    "$wheel" "$1" >"$2" 2>/dev/null
}

name_version() {
  local name
  name=$(basename "$wheel")
  name=${name#inboxwatch-}
  # The same version may come with other content or other extras: each has a folder of its own.
  version=${name%%-*}-$( (sha256sum <"$wheel" && echo "$extras") | sha256sum | cut -c 1-8)
  new=$opt/$version
}

build_version() {
  # A new release of the system may have taken the interpreter away from under it.
  ! { [ -f "$new/extras" ] && "$new/bin/python" -c 'import inboxwatch' 2>/dev/null; } || return 0
  say "Installing inboxwatch $version into $new (extras: $extras) ..."
  rm -rf "$new"
  local bare=()
  [ -n "$packages" ] || bare=(--without-pip)
  "$python" -m venv "${bare[@]}" "$new"
  [ -z "$packages" ] || pip_install "$new" --require-hashes "${locks[@]}"
  pip_install "$new" --no-deps --no-index "$wheel"
  install -m 0644 "$new"/lib/python3*/site-packages/inboxwatch/data/inboxwatch.service "$new/inboxwatch.service"
  install -m 0755 "$new"/lib/python3*/site-packages/inboxwatch/data/install.sh "$new/install.sh"
  install -m 0644 "$wheel" "$new/"
  echo "$extras" >"$new/extras" # written last: what has it is whole
}

current() { [ ! -L "$opt/current" ] || basename "$(readlink "$opt/current")"; }
previous() { [ ! -L "$opt/previous" ] || basename "$(readlink "$opt/previous")"; }

# link NAME VERSION: in one step, so that there always is one
link() {
  ln -sfn "$2" "$opt/.$1.new"
  mv -T "$opt/.$1.new" "$opt/$1"
}

# --- the store -------------------------------------------------------------------------------------------------------

# ask_store VERSION: how that version finds the tables of the store: empty, current, older, newer, or unknown
ask_store() {
  as_daemon "$opt/$1/bin/python" - "$config" <<'PY' 2>/dev/null || echo unknown
import sys
from pathlib import Path
from inboxwatch import config
from inboxwatch.store import file_of_url
from inboxwatch.store.engines import open_engine
from inboxwatch.store.schema import version
url = config.load(Path(sys.argv[1]), secrets=False).store_url.reveal()
file = file_of_url(url)
if file is not None and not file.exists():
    print("empty")
else:
    with open_engine(url).connect() as connection:
        print(version(connection).value)
PY
}

# store_command VERSION COMMAND FILE: that version's `inboxwatch store COMMAND`
store_command() {
  as_daemon "$opt/$1/bin/inboxwatch" store "$2" "$3" --replace -c "$config" ||
    fail "inboxwatch store $2 has failed (its words are above)"
}

# What an upgrade meets: `tables` is set. Fails where the store cannot be looked at and nobody has said that a copy exists.
look_at_store() {
  tables=$(ask_store "$version")
  [ "$tables" != unknown ] || [ -n "$backed_up" ] ||
    fail "the store cannot be looked at (does its server run?), so no copy can be made where this version changes its \
tables: back it up yourself, then say --store-is-backed-up. Nothing was changed."
}

# The daemon is stopped: what is copied is what the older version left.
back_up() {
  [ "$tables" = older ] && [ -z "$backed_up" ] || return 0
  as_daemon mkdir -p -m 0700 "$backups"
  say "Backing the store up: this version changes its tables."
  store_command "$version" backup "$backups/before-$version.db"
}

# put_back VERSION: the store as it was before that version came; what it has become is kept as well
put_back() {
  store_command "$1" backup "$backups/of-$1.db"
  store_command "$1" restore "$backups/before-$1.db"
  say "The store is that from before $1; what it had become is $backups/of-$1.db."
}

# --- commands --------------------------------------------------------------------------------------------------------

# accepts VERSION: whether it takes the config and the store
accepts() { as_daemon "$opt/$1/bin/inboxwatch" check --offline -c "$config" >"$work/check" 2>&1; }

# activate VERSION: the program, the unit and the command are of that version
activate() {
  link current "$1"
  install -d -m 0755 "$(dirname "$unit")" "$(dirname "$program")"
  install -m 0644 "$opt/$1/inboxwatch.service" "$unit"
  install -m 0755 "$opt/$1/install.sh" "$opt/.install.sh.new" && mv "$opt/.install.sh.new" "$opt/install.sh"
  cat >"$program.new" <<SH
#!/bin/sh
# Written by install.sh. What concerns the installed config is done as the daemon's user, in its folder: what is written
# is the daemon's to read. Secrets that systemd hands to the daemon are read from where it takes them.
CREDENTIALS_DIRECTORY=\${CREDENTIALS_DIRECTORY:-$etc/secrets}
export CREDENTIALS_DIRECTORY
case " \$* " in
  *" $etc/"* | *"=$etc/"*)
    if [ "\$(id -u)" -eq 0 ] && [ -z "$root" ]; then
      cd $state && exec setpriv --reuid=$user --regid=$user --init-groups --inh-caps=-all \\
        env HOME=$state $opt/current/bin/inboxwatch "\$@"
    fi
    ;;
esac
exec $opt/current/bin/inboxwatch "\$@"
SH
  chmod 0755 "$program.new"
  mv "$program.new" "$program"
  ! service || systemctl daemon-reload
}

# Two versions stay: the one at work and the one before.
prune() {
  local folder name
  for folder in "$opt"/*-????????/; do
    name=$(basename "$folder")
    [ "$name" = "$(current)" ] || [ "$name" = "$(previous)" ] || rm -rf "${opt:?}/$name"
  done
}

# start_or_return OLD: starts the current version; where it does not come up, OLD comes back
start_or_return() {
  [ -f "$config" ] && service || return 0
  systemctl --quiet enable inboxwatch
  systemctl reset-failed inboxwatch 2>/dev/null || true
  ! systemctl start inboxwatch || return 0
  journalctl --quiet --no-pager --unit inboxwatch --lines 20 --output cat >&2 || true
  [ -n "$1" ] || fail "the daemon does not start: its last words are above (journalctl -u inboxwatch)"
  systemctl stop inboxwatch || true
  [ ! -f "$backups/before-$version.db" ] || accepts "$1" || (put_back "$version") || true
  activate "$1"
  systemctl start inboxwatch || true
  fail "$version does not start (its last words are above): $1 is back"
}

refuse_version() {
  local missing
  cat "$work/check" >&2
  missing=$(sed -nE 's#.*(/locks/|--extras )([a-z,]+).*#\2#p' "$work/check" | paste -sd ,)
  missing=$(printf '%s,%s' "$missing" "${extras/none/}" | tr , '\n' | sort -u | sed '/^$/d' | paste -sd ,)
  [ "$missing" = "${extras/none/}" ] || say "Run this again with --extras $missing" >&2
  fail "inboxwatch $version does not accept $config (see above).${1:+ $1 stays as it is.}"
}

do_install() {
  need_root
  work=$(mktemp -d)
  chmod 0755 "$work"
  bring_python
  if [ -n "$dry" ] && ! usable_python; then
    say "would: install from ${from:-the checkout or wheel beside this script}"
    return
  fi
  find_wheel
  choose_extras
  name_version
  make_account
  make_folders
  if [ -n "$dry" ]; then
    say "would: install $version into $new (extras: $extras)"
    [ ! -f "$config" ] || say "would: check $config with it, back the store up where its tables change, start it"
    say "would: write $program, $unit"
    return
  fi
  lock
  local old at_work='' tables=''
  old=$(current)
  build_version
  if [ -f "$config" ]; then
    accepts "$version" || refuse_version "$old"
  fi
  if [ "$old" = "$version" ]; then
    activate "$version"
    running || start_or_return ''
    say "inboxwatch $version is installed."
    return
  fi
  [ ! -f "$config" ] || look_at_store
  ! running || at_work=yes
  [ -z "$at_work" ] || systemctl stop inboxwatch
  (back_up) || {
    [ -z "$at_work" ] || systemctl start inboxwatch
    exit 1
  }
  [ -z "$old" ] || link previous "$old"
  activate "$version"
  # One that an administrator has stopped stays so.
  [ -n "$old" ] && [ -z "$at_work" ] || start_or_return "$old"
  prune
  say "inboxwatch $version is installed.${old:+ Back to $old: $opt/install.sh rollback}"
  [ -f "$config" ] || next_steps
}

next_steps() {
  say "Next:
  1. write $config (an example: inboxwatch config example), and its secrets, one file each, into $etc/secrets
  2. inboxwatch check -c $config
  3. systemctl enable --now inboxwatch"
}

# can_go_back OLD: whether the store may be brought back to what it was before that version came
can_go_back() {
  local copy=$backups/before-$1.db
  [ -f "$copy" ] || fail "$version cannot read the tables of the store any more, and there is no copy from before: \
bring back your own, or stay"
  [ -n "$restore" ] || fail "$version cannot read the tables of the store any more. --restore-store brings back the \
copy of $(date -r "$copy" '+%F %T'): mail since is read again, what people did since is lost."
}

do_rollback() {
  need_root
  local old tables=''
  old=$(current) version=$(previous)
  [ -n "$version" ] || fail "no version before is installed"
  say "Going from $old to $version."
  [ -z "$dry" ] || return 0
  lock
  work=$(mktemp -d)
  chmod 0755 "$work"
  if [ -f "$config" ]; then
    look_at_store
    if [ "$tables" = newer ]; then
      can_go_back "$old"
    elif ! accepts "$version"; then
      cat "$work/check" >&2
      fail "$version does not accept the config (see above). Nothing was changed."
    fi
  fi
  ! service || systemctl stop inboxwatch
  (back_up && { [ "$tables" != newer ] || put_back "$old"; }) || {
    ! service || systemctl start inboxwatch
    fail "nothing was changed: $old stays"
  }
  link previous "$old"
  activate "$version"
  start_or_return ''
  say "inboxwatch $version is installed. Back to $old: $opt/install.sh rollback"
}

do_status() {
  [ -n "$(current)" ] || fail "inboxwatch is not installed below $opt"
  say "installed: $(current) (extras: $(cat "$opt/current/extras"))"
  [ -z "$(previous)" ] || say "before:    $(previous)"
  ! service || say "service:   $(systemctl is-active inboxwatch || true)"
}

do_remove() {
  need_root
  if [ -z "$root" ] && [ -d /run/systemd/system ]; then
    do_ systemctl --quiet disable --now inboxwatch 2>/dev/null || true
  elif [ -z "$root" ]; then
    do_ systemctl --quiet disable inboxwatch 2>/dev/null || true
  fi
  do_ rm -rf "$opt" "$program" "$unit"
  [ -n "$root" ] || [ ! -d /run/systemd/system ] || do_ systemctl daemon-reload
  if [ -n "$purge" ]; then
    do_ rm -rf "$etc" "$state" "$unit.d"
    if [ -z "$root" ] && getent passwd "$user" >/dev/null; then do_ userdel "$user"; fi
    say "inboxwatch, its config, secrets and store are gone."
  else
    say "inboxwatch is gone. These stay, with the user $user: $etc, $state (remove --purge takes them, too)."
  fi
}

"do_$command"
