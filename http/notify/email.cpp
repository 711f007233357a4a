#include <fmt/chrono.h>
#include <fmt/format.h>
#include <openssl/evp.h>

#include <algorithm>
#include <ctime>

#include "http/notify/channel_kind.hpp"
#include "pipelines/model/time.hpp"

namespace factory {

namespace {

std::string base64(std::string_view bytes) {
  std::string out(4 * ((bytes.size() + 2) / 3) + 1, '\0');
  const int size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                                   reinterpret_cast<const unsigned char*>(bytes.data()), static_cast<int>(bytes.size()));
  out.resize(static_cast<std::size_t>(size));
  return out;
}

/// A header's text in RFC 2047's encoded words that leave room for the name of the header, cut between characters; plain ASCII stays as it is.
std::string header_text(std::string_view text) {
  constexpr std::size_t bytes_of_a_word = 39;
  if (std::ranges::all_of(text, [](char c) { return c >= ' ' && c < 0x7f; }) && text.size() < 60) return std::string(text);
  std::string out;
  while (!text.empty()) {
    std::size_t length = std::min(bytes_of_a_word, text.size());
    while (length > 1 && length < text.size() && (static_cast<unsigned char>(text[length]) & 0xc0U) == 0x80) --length;
    out += (out.empty() ? "=?UTF-8?B?" : "\r\n =?UTF-8?B?") + base64(text.substr(0, length)) + "?=";
    text.remove_prefix(length);
  }
  return out;
}

std::string body_lines(std::string_view text) {
  constexpr std::size_t bytes_of_a_line = 57;  // 76 characters
  std::string out;
  for (; !text.empty(); text.remove_prefix(std::min(bytes_of_a_line, text.size())))
    out += base64(text.substr(0, bytes_of_a_line)) + "\r\n";
  return out;
}

/// "<id@host>": the same for each sending, so that a mail program shows a repeat once.
std::string message_id(std::string id, const channel_entry& to) {
  std::ranges::replace(id, ':', '.');
  return fmt::format("<{}.{}@{}>", id, to.id, to.from.substr(to.from.rfind('@') + 1));
}

std::string body_of(const notice& it) {
  std::string out = headline(it) + "\n";
  if (!it.message.empty()) out += "\n" + it.message + "\n";
  if (!it.rule.options.instructions.empty()) out += "\nWhat to do: " + it.rule.options.instructions + "\n";
  if (it.of_no_alert()) return out;
  out += fmt::format("\nFactory: {}\nMachine: {}\nSensor:  {}\n", it.factory.name, it.machine.name, it.sensor.name);
  out += "Value:   " + value_text(it) + (it.has_limit() ? fmt::format(", limit {}\n", it.what.limit()) : "\n");
  out += fmt::format("Raised:  {}\nThis at: {}\n", format_time(it.raised_at_us), format_time(it.what.at_us));
  if (!it.what.who.empty()) out += "By:      " + it.what.who + "\n";
  if (const alarm_detail* const said = it.what.alarm(); said != nullptr && !said->comment.empty())
    out += "Comment: " + said->comment + "\n";
  if (!it.what.explanation.empty() && it.what.explanation != it.message) out += "\n" + it.what.explanation + "\n";
  if (!it.anomaly.empty()) out += "\nAnomaly " + it.anomaly + "\n";
  return out + "\nAlert " + finding_id(it.what.key) + "\n";
}

std::string list_of(const std::vector<std::string>& addresses) {
  std::string out;
  for (const auto& each : addresses) out += (out.empty() ? "" : ",\r\n ") + each;
  return out;
}

}  // namespace

std::string email_content(const channel_entry& to, const notice& what) {
  const std::time_t seconds = what.what.recorded_at_us / 1'000'000;
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  std::string out = fmt::format("Date: {:%a, %d %b %Y %H:%M:%S} +0000\r\n", utc);
  out += "From: " + to.from + "\r\nTo: " + list_of(to.to) + "\r\nSubject: " + header_text(headline(what)) + "\r\n";
  out += "Message-ID: " + message_id(what.id, to) + "\r\n";
  if (what.kind != "test") out += "References: " + message_id(what.finding, to) + "\r\n";  // an alert is a thread
  out += "X-Factory-Notification: " + what.id + "\r\nAuto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n";
  out += "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n";
  return out + body_lines(body_of(what));
}

transfer email_request(const channel_entry& to, const delivery& what, std::int64_t) {
  transfer out = transfer_to(to, what.content);
  out.username = to.username;
  out.password = to.secret;
  out.mail_from = "<" + to.from + ">";
  for (const auto& address : to.to) out.mail_to.push_back("<" + address + ">");
  return out;
}

}  // namespace factory
