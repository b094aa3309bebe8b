#!/usr/bin/env bash
# A real S3 server on loopback: Ceph's radosgw over one monitor and one in-memory OSD, from Debian's packages.
#   radosgw.sh start DIR PORT [memstore|bluestore]    ready after about 2 s; keys AKTEST / SKTEST, region us-east-1
#   radosgw.sh stop DIR                               stops by the ids recorded in DIR/*.pid
# Once: apt-get install -y --no-install-recommends ceph-mon ceph-osd radosgw ceph-common
set -euo pipefail
command=$1 dir=$2

stop() {
  local file
  for file in "$dir"/*.pid; do [ -f "$file" ] && kill "$(cat "$file")" 2>/dev/null || true; done
  sleep 0.5
  for file in "$dir"/*.pid; do [ -f "$file" ] && kill -9 "$(cat "$file")" 2>/dev/null || true; rm -f "$file"; done
}
[ "$command" = stop ] && { stop; exit 0; }

port=$3 store=${4:-memstore} mon=$(($3 + 1))
rm -rf "$dir"; mkdir -p "$dir"/{mon,osd,run,log,rgw}; dir=$(cd "$dir" && pwd)
id=$(cat /proc/sys/kernel/random/uuid)
cat > "$dir/ceph.conf" <<C
[global]
fsid = $id
mon_host = v2:127.0.0.1:$mon/0
mon_initial_members = a
public_addr = 127.0.0.1
cluster_addr = 127.0.0.1
ms_bind_port_min = $((port + 10))
ms_bind_port_max = $((port + 200))
auth_cluster_required = cephx
auth_service_required = cephx
auth_client_required = cephx
auth_allow_insecure_global_id_reclaim = false
run_dir = $dir/run
admin_socket = $dir/run/\$cluster-\$name.asok
log_file = $dir/log/\$name.log
mon_cluster_log_file = $dir/log/cluster.log
pid_file = $dir/run/\$name.pid
keyring = $dir/keyring
osd_pool_default_size = 1
osd_pool_default_min_size = 1
osd_pool_default_pg_num = 8
osd_pool_default_pgp_num = 8
osd_pool_default_pg_autoscale_mode = off
osd_crush_chooseleaf_type = 0
mon_allow_pool_size_one = true
mon_warn_on_pool_no_redundancy = false
mon_max_pg_per_osd = 1000
paxos_propose_interval = 0.05
paxos_min_wait = 0.01
[mon.a]
mon_data = $dir/mon
[osd]
osd_data = $dir/osd
osd_objectstore = $store
memstore_device_bytes = 4294967296
bluestore_block_size = 10737418240
bluestore_block_create = true
osd_memory_target = 1073741824
osd_numa_auto_affinity = false
[client.rgw]
rgw_frontends = beast endpoint=127.0.0.1:$port tcp_nodelay=1
rgw_dns_name = s3.localhost
rgw_thread_pool_size = 64
rgw_enable_apis = s3, admin
rgw_enable_usage_log = false
rgw_enable_ops_log = false
rgw_data = $dir/rgw
keyring = $dir/keyring
rgw_enable_gc_threads = false
rgw_enable_lc_threads = false
rgw_dynamic_resharding = false
C
export CEPH_CONF=$dir/ceph.conf
ceph-authtool --create-keyring "$dir/keyring" --gen-key -n mon. --cap mon 'allow *' > /dev/null
ceph-authtool "$dir/keyring" --gen-key -n client.admin --cap mon 'allow *' --cap osd 'allow *' > /dev/null
ceph-authtool "$dir/keyring" --gen-key -n client.rgw --cap mon 'allow *' --cap osd 'allow *' > /dev/null
ceph-authtool "$dir/keyring" --gen-key -n osd.0 --cap mon 'allow profile osd' --cap osd 'allow *' > /dev/null
monmaptool --create --clobber --enable-all-features --addv a "[v2:127.0.0.1:$mon]" --fsid "$id" "$dir/monmap" > /dev/null
ceph-mon --mkfs -i a --monmap "$dir/monmap" --keyring "$dir/keyring" > "$dir/log/mkfs.out" 2>&1
ceph-mon -f -i a > "$dir/log/mon.out" 2>&1 & echo $! > "$dir/mon.pid"
osd=$(cat /proc/sys/kernel/random/uuid)
ceph osd new "$osd" > /dev/null
ceph-osd -i 0 --mkfs --osd-uuid "$osd" > "$dir/log/osdmkfs.out" 2>&1
ceph-osd -f -i 0 > "$dir/log/osd.out" 2>&1 & echo $! > "$dir/osd.pid"
radosgw -f -n client.rgw > "$dir/log/rgw.out" 2>&1 & echo $! > "$dir/rgw.pid"
for _ in $(seq 300); do (exec 3<> "/dev/tcp/127.0.0.1/$port") 2> /dev/null && break; sleep 0.1; done
radosgw-admin -n client.rgw user create --uid=lenscat --display-name=lenscat --access-key=AKTEST --secret-key=SKTEST > "$dir/log/user.out" 2>&1
echo "S3 at http://127.0.0.1:$port, keys AKTEST SKTEST"
