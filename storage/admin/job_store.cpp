#include "storage/admin/job_store.hpp"

#include "storage/base/record.hpp"
#include "storage/base/rocks.hpp"

#include <algorithm>
#include <map>
#include <mutex>

namespace factory {

namespace {

// Key spaces, by first byte (docs/reference/storage-format.md): r run, i report info, j its JSON, h its HTML, n next ids. Beside
// them: b, c and m (backtest_store.cpp).
constexpr std::size_t runs_kept = 1'000;
constexpr std::size_t reports_kept = 400;
constexpr std::uint8_t job_version = 1;
constexpr std::string_view next_ids_key = "n";

std::string key_of(char space, std::uint64_t id) {
  std::string key(1, space);
  put_key64(key, id);
  return key;
}

std::string encode(const job_run& run) {
  std::string out = begin_record(job_version);
  put_varint(out, run.id);
  put_text(out, run.job);
  put_zigzag(out, run.started_at_us);
  put_zigzag(out, run.duration_us);
  put_byte(out, static_cast<std::uint8_t>(run.result));
  put_text(out, run.detail);
  return out;
}
bool decode(std::string_view in, job_run& run) {
  std::uint8_t result = 0;
  const bool good = begin_record(in, job_version) && get_varint(in, run.id) && get_text(in, run.job) &&
                    get_zigzag(in, run.started_at_us) && get_zigzag(in, run.duration_us) && get_byte(in, result) &&
                    result <= static_cast<std::uint8_t>(job_run::outcome::failed) && get_text(in, run.detail) && in.empty();
  run.result = static_cast<job_run::outcome>(result);
  return good;
}

std::string encode(const report_info& info) {
  std::string out = begin_record(job_version);
  put_varint(out, info.id);
  put_varint(out, info.factory);
  put_zigzag(out, info.begin_us);
  put_zigzag(out, info.end_us);
  put_zigzag(out, info.created_at_us);
  return out;
}
bool decode(std::string_view in, report_info& info) {
  return begin_record(in, job_version) && get_varint(in, info.id) && get_varint_as(in, info.factory) &&
         get_zigzag(in, info.begin_us) && get_zigzag(in, info.end_us) && get_zigzag(in, info.created_at_us) && in.empty();
}

}  // namespace

/// Runs and report infos are small, so memory holds them too; the texts of reports are on disk only.
struct job_store::impl {
  explicit impl(database& db) : rocks(db.raw()) {}
  database::impl& rocks;
  mutable std::mutex guard;
  std::map<std::uint64_t, job_run> runs;
  std::map<std::uint64_t, report_info> reports;
  std::uint64_t next_run = 1, next_report = 1;

  rocksdb::ColumnFamilyHandle* jobs() const { return rocks.at(column::jobs); }
  void put_next_ids(rocksdb::WriteBatch& batch, std::uint64_t run, std::uint64_t report) const {
    std::string value;
    put_varint(value, run);
    put_varint(value, report);
    batch.Put(jobs(), to_slice(next_ids_key), value);
  }
  bool load_record(std::string_view key, std::string_view value);
  expected<void> store(const job_run& run, bool fresh);
  expected<std::string> text(char space, std::uint64_t id) const;
  std::vector<std::uint64_t> reports_of(factory_id factory, std::int64_t begin_us) const;
};

bool job_store::impl::load_record(std::string_view key, std::string_view value) {
  switch (key.empty() ? '\0' : key.front()) {
    case 'r': {
      job_run run;
      if (!decode(value, run)) return false;
      runs.emplace(run.id, std::move(run));
      return true;
    }
    case 'i': {
      report_info info;
      if (!decode(value, info)) return false;
      reports.emplace(info.id, info);
      return true;
    }
    case 'n': return get_varint(value, next_run) && get_varint(value, next_report) && value.empty();
    case 'j':
    case 'h':
    case 'b':  // backtests (backtest_store.cpp)
    case 'c':
    case 'm': return true;
    default: return false;
  }
}

expected<void> job_store::impl::store(const job_run& run, bool fresh) {
  rocksdb::WriteBatch batch;
  batch.Put(jobs(), key_of('r', run.id), encode(run));
  const bool full = fresh && runs.size() >= runs_kept;
  if (full) batch.Delete(jobs(), key_of('r', runs.begin()->first));
  if (fresh) put_next_ids(batch, run.id + 1, next_report);
  if (auto written = rocks.write(batch, false, "recording a job"); !written) return written;
  if (full) runs.erase(runs.begin());
  if (fresh) next_run = run.id + 1;
  runs.insert_or_assign(run.id, run);
  return {};
}

expected<std::string> job_store::impl::text(char space, std::uint64_t id) const {
  std::string value;
  const auto status = rocks.db->Get(rocksdb::ReadOptions(), jobs(), key_of(space, id), &value);
  if (status.IsNotFound()) return fail(errc::not_found, "Report not found");
  if (!status.ok()) return tl::unexpected(to_error(status, "reading a report"));
  return value;
}

job_store::job_store(database& db) : impl_(std::make_unique<impl>(db)) {}
job_store::~job_store() = default;

expected<void> job_store::load() {
  const std::lock_guard lock(impl_->guard);
  const std::unique_ptr<rocksdb::Iterator> it(impl_->rocks.db->NewIterator(rocksdb::ReadOptions(), impl_->jobs()));
  for (it->SeekToFirst(); it->Valid(); it->Next()) {
    if (!impl_->load_record(to_view(it->key()), to_view(it->value()))) {
      return fail(errc::corrupt,
                  "A record of the background jobs cannot be read: the database is damaged or of a newer version, "
                  "restore the newest snapshot.");
    }
  }
  if (!it->status().ok()) return tl::unexpected(to_error(it->status(), "reading the background jobs"));
  for (auto& [id, run] : impl_->runs) {
    if (run.result != job_run::outcome::running) continue;
    job_run ended = run;
    ended.result = job_run::outcome::failed;
    ended.detail = "The program ended while the job ran.";
    if (auto stored = impl_->store(ended, false); !stored) return stored;
  }
  return {};
}

expected<job_run> job_store::begin(std::string job, std::int64_t now_us) {
  const std::lock_guard lock(impl_->guard);
  const job_run run{.id = impl_->next_run, .job = std::move(job), .started_at_us = now_us};
  if (auto stored = impl_->store(run, true); !stored) return tl::unexpected(stored.error());
  return run;
}

expected<void> job_store::finish(const job_run& run) {
  const std::lock_guard lock(impl_->guard);
  if (!impl_->runs.contains(run.id)) return {};  // a thousand newer ones began meanwhile
  return impl_->store(run, false);
}

expected<std::vector<job_run>> job_store::runs(const std::optional<std::string>& job, std::size_t limit) const {
  const std::lock_guard lock(impl_->guard);
  std::vector<job_run> out;
  for (auto it = impl_->runs.rbegin(); it != impl_->runs.rend() && out.size() < limit; ++it) {
    if (!job || it->second.job == *job) out.push_back(it->second);
  }
  return out;
}

/// Ids of the reports of a factory's day: several where an older version wrote them.
std::vector<std::uint64_t> job_store::impl::reports_of(factory_id factory, std::int64_t begin_us) const {
  std::vector<std::uint64_t> ids;
  for (const auto& [id, info] : reports)
    if (info.factory == factory && info.begin_us == begin_us) ids.push_back(id);
  return ids;
}

expected<report_info> job_store::put_report(report_info info, const std::string& json, const std::string& html) {
  const std::lock_guard lock(impl_->guard);
  auto gone = impl_->reports_of(info.factory, info.begin_us);
  info.id = gone.empty() ? impl_->next_report : gone.back();
  const std::uint64_t next = std::max(impl_->next_report, info.id + 1);
  if (gone.empty() && impl_->reports.size() >= reports_kept) gone.push_back(impl_->reports.begin()->first);
  rocksdb::WriteBatch batch;
  for (const std::uint64_t id : gone)
    for (const char space : {'i', 'j', 'h'}) batch.Delete(impl_->jobs(), key_of(space, id));
  batch.Put(impl_->jobs(), key_of('i', info.id), encode(info));
  batch.Put(impl_->jobs(), key_of('j', info.id), json);
  batch.Put(impl_->jobs(), key_of('h', info.id), html);
  impl_->put_next_ids(batch, impl_->next_run, next);
  if (auto written = impl_->rocks.write(batch, false, "storing a report"); !written) return tl::unexpected(written.error());
  for (const std::uint64_t id : gone) impl_->reports.erase(id);
  impl_->next_report = next;
  impl_->reports.emplace(info.id, info);
  return info;
}

bool job_store::has_report(factory_id factory, std::int64_t begin_us) const {
  const std::lock_guard lock(impl_->guard);
  return !impl_->reports_of(factory, begin_us).empty();
}

expected<std::vector<report_info>> job_store::reports(std::optional<factory_id> factory, std::size_t limit) const {
  const std::lock_guard lock(impl_->guard);
  std::vector<report_info> out;
  for (auto it = impl_->reports.rbegin(); it != impl_->reports.rend() && out.size() < limit; ++it) {
    if (!factory || it->second.factory == *factory) out.push_back(it->second);
  }
  return out;
}

expected<std::string> job_store::report_json(std::uint64_t id) const { return impl_->text('j', id); }
expected<std::string> job_store::report_html(std::uint64_t id) const { return impl_->text('h', id); }

}  // namespace factory
