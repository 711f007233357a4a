#include "bench/works/catalog_work.hpp"

#include <stdexcept>

#include <fmt/format.h>
#include <rapidjson/document.h>

namespace factory::bench {

namespace {

constexpr std::string_view json = "application/json";

std::uint64_t id_in(std::string_view body) {
  rapidjson::Document document;
  document.Parse(body.data(), body.size());
  if (!document.IsObject() || !document.HasMember("id"))
    throw std::runtime_error("an answer has no id: " + std::string(body.substr(0, 500)));
  return document["id"].GetUint64();
}

std::uint64_t created(std::uint16_t port, std::string_view target, const std::string& body) {
  const owned_answer got = ask_once(port, request_text("POST", target, json, body));
  if (got.status != 201) throw std::runtime_error(fmt::format("POST {} was answered {} {}", target, got.status, got.body));
  return id_in(got.body);
}

}  // namespace

catalog_work::catalog_work(std::uint16_t port) {
  const auto factory = created(port, "/api/factories", R"({"name":"changing","location":"here"})");
  machine_ = created(port, "/api/machines", fmt::format(R"({{"factory_id":{},"name":"m","type":"bench"}})", factory));
}

std::optional<std::string_view> catalog_work::next(std::size_t) {
  const auto one = fmt::format("/api/sensors/{}", sensor_);
  switch (now_) {
    case step::create:
      request_ = request_text("POST", "/api/sensors", json,
                              fmt::format(R"({{"machine_id":{},"name":"s{}","unit":"C"}})", machine_, ++made_));
      break;
    case step::limit: request_ = request_text("PATCH", one, json, R"({"max_threshold":50})"); break;
    case step::write:
      request_ = request_text("POST", "/api/readings", json,
                              fmt::format(R"({{"sensor_id":{},"value":60,"timestamp":"2026-01-19T10:00:00Z"}})", sensor_));
      break;
    case step::remove: request_ = request_text("DELETE", one); break;
  }
  return request_;
}

std::uint64_t catalog_work::check(std::size_t, const answer& got) {
  if (got.status < 200 || got.status > 299)
    throw std::runtime_error(fmt::format("a change of the catalog was answered {} {}", got.status, got.body));
  if (now_ == step::create) sensor_ = id_in(got.body);
  now_ = now_ == step::remove ? step::create : static_cast<step>(static_cast<int>(now_) + 1);
  return 0;
}

}  // namespace factory::bench
