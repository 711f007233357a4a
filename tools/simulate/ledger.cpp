#include "simulate/ledger.hpp"

#include "pipelines/model/time.hpp"

#include <fmt/format.h>
#include <rapidjson/prettywriter.h>
#include <rapidjson/stringbuffer.h>

#include <fstream>
#include <system_error>

namespace factory {
namespace {

bool has_size(fault_kind kind) { return kind != fault_kind::stuck && kind != fault_kind::drop_out; }

}  // namespace

std::string to_line(const ledger_entry& entry) {
  const auto& what = entry.what;
  const auto size = has_size(what.kind) ? fmt::format(" of {:+.3g} {}", what.size, entry.unit) : std::string();
  return fmt::format("{} to {}  {:<11}{}  sensor {} ({})", format_time(what.begin_us), format_time(what.end_us),
                     to_text(what.kind), size, entry.sensor, entry.path);
}

std::string to_json(std::span<const ledger_entry> entries) {
  rapidjson::StringBuffer text;
  rapidjson::PrettyWriter<rapidjson::StringBuffer> out(text);
  const auto string = [&](const char* name, std::string_view value) {
    out.Key(name);
    out.String(value.data(), static_cast<rapidjson::SizeType>(value.size()));
  };
  out.SetIndent(' ', 2);
  out.StartArray();
  for (const auto& entry : entries) {
    out.StartObject();
    out.Key("sensor_id");
    out.Uint(entry.sensor);
    string("path", entry.path);
    string("kind", to_text(entry.what.kind));
    string("begin", format_time(entry.what.begin_us));
    string("end", format_time(entry.what.end_us));
    out.Key("begin_us");
    out.Int64(entry.what.begin_us);
    out.Key("end_us");
    out.Int64(entry.what.end_us);
    out.Key("size");
    out.Double(entry.what.size);
    string("unit", entry.unit);
    out.EndObject();
  }
  out.EndArray();
  return std::string(text.GetString(), text.GetSize()) + "\n";
}

expected<void> write_ledger(const std::filesystem::path& file, std::span<const ledger_entry> entries) {
  const std::filesystem::path draft = file.string() + ".new";
  std::ofstream out(draft, std::ios::binary | std::ios::trunc);
  out << to_json(entries);
  out.close();
  std::error_code failure;
  if (out) std::filesystem::rename(draft, file, failure);
  if (!out || failure) return fail(errc::storage_failed, "cannot write the ledger of faults to " + file.string());
  return {};
}

}  // namespace factory
