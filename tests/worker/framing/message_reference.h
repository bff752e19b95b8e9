#ifndef WINDLASS_TESTS_WORKER_FRAMING_MESSAGE_REFERENCE_H_
#define WINDLASS_TESTS_WORKER_FRAMING_MESSAGE_REFERENCE_H_

#include <array>
#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "tests/worker/framing/cut_stream.h"

// Generated `message` frames whose meaning is known because they are made from it: a header is a
// list of fields, each of which knows what it says, and the rules of wire.md are applied to the
// list. No JSON is parsed here.

namespace windlass::framing_test {

struct Value {
  enum class Kind { kString, kInteger, kOther };  // an integer >= 0; kOther: any other JSON
  Kind kind = Kind::kOther;
  std::string text;      // of a string, decoded
  uint64_t integer = 0;  // of an integer
  std::string json;      // as written
};

struct Field {
  std::string key;
  Value value;
};

inline std::string Quoted(const std::string& text) { return '"' + text + '"'; }

inline Value StringValue(const std::string& plain) {
  return {Value::Kind::kString, plain, 0, Quoted(plain)};
}
inline Value IntegerValue(uint64_t number) {
  return {Value::Kind::kInteger, "", number, std::to_string(number)};
}
inline Value OtherValue(const std::string& json) { return {Value::Kind::kOther, "", 0, json}; }

inline std::string WithLength(const std::string& header) {
  std::string frame;
  frame += static_cast<char>(header.size() / 256);
  frame += static_cast<char>(header.size() % 256);
  return frame + header;
}

// What a header of these fields means, by the rules of wire.md.
class MessageRules {
 public:
  explicit MessageRules(uint64_t max_content_bytes) : max_content_bytes_(max_content_bytes) {}

  Seen Apply(const std::vector<Field>& fields, const std::string& header) const {
    Seen seen;
    std::map<std::string, std::vector<Value>> values;
    for (const Field& field : fields) values[field.key].push_back(field.value);
    const std::vector<Value>& lengths = values["content-length"];
    if (lengths.size() != 1 || lengths[0].kind != Value::Kind::kInteger) {
      return Bad(CutOutcome::kLost, ErrorCode::kInvalidArgument);
    }
    if (lengths[0].integer > max_content_bytes_) {
      return Bad(CutOutcome::kLost, ErrorCode::kTooLarge);
    }
    bool fine = true;
    for (const char* key : {"byteorder", "content-type", "content-encoding"}) {
      fine = fine && values[key].size() == 1 && values[key][0].kind == Value::Kind::kString;
    }
    for (const char* key : {"request-id", "handler", "deadline-ms", "connection"}) {
      fine = fine && values[key].size() <= 1;
    }
    fine = fine && OneOf(values["byteorder"], {"little", "big"});
    fine = fine && OneOf(values["connection"], {"keep-alive", "close"});
    for (const Value& id : values["request-id"]) {
      fine = fine && id.kind == Value::Kind::kString && id.text.size() <= 256;
    }
    for (const Value& handler : values["handler"]) {
      fine = fine && handler.kind == Value::Kind::kString;
    }
    for (const Value& deadline : values["deadline-ms"]) {
      fine = fine && deadline.kind == Value::Kind::kInteger && deadline.integer >= 1 &&
             deadline.integer <= 86400000;
    }
    if (!fine) seen = Bad(CutOutcome::kRefused, ErrorCode::kInvalidArgument);
    seen.head_bytes = 2 + header.size();
    seen.content_bytes = lengths[0].integer;
    if (!fine) return seen;
    seen.outcome = CutOutcome::kRequest;
    seen.big_endian = values["byteorder"][0].text == "big";
    seen.content_type = values["content-type"][0].text;
    seen.content_encoding = values["content-encoding"][0].text;
    for (const Value& handler : values["handler"]) seen.handler = handler.text;
    for (const Value& id : values["request-id"]) seen.request_id = id.text;
    seen.has_request_id = !values["request-id"].empty();
    for (const Value& deadline : values["deadline-ms"]) {
      seen.deadline_ms = static_cast<uint32_t>(deadline.integer);
    }
    for (const Value& connection : values["connection"]) {
      seen.close_after = connection.text == "close";
    }
    const bool has_unknown = !values["x"].empty() || !values["unread"].empty();
    if (has_unknown) seen.header = header;
    return seen;
  }

  static Seen Bad(CutOutcome outcome, ErrorCode code) {
    Seen seen;
    seen.outcome = outcome;
    seen.code = code;
    return seen;
  }

 private:
  static bool OneOf(const std::vector<Value>& values, const std::vector<std::string>& allowed) {
    for (const Value& value : values) {
      if (value.kind != Value::Kind::kString) return false;
      if (std::find(allowed.begin(), allowed.end(), value.text) == allowed.end()) return false;
    }
    return true;
  }

  const uint64_t max_content_bytes_;
};

class MessageGenerator {
 public:
  explicit MessageGenerator(unsigned seed) : random_(seed) {}

  // A stream of a few frames, one in three of them bad in some way, and what they mean.
  std::string Stream(const MessageRules& rules, std::vector<Seen>* meaning) {
    std::string stream;
    for (unsigned frames = 1 + Pick(4); frames > 0; --frames) {
      const std::vector<Field> fields = Fields();
      std::string header = Write(fields);
      Seen seen = rules.Apply(fields, header);
      if (Pick(20) == 0) {
        header = Broken(header);
        seen = MessageRules::Bad(CutOutcome::kLost, ErrorCode::kInvalidArgument);
      }
      stream += WithLength(header);
      meaning->push_back(seen);
      if (seen.outcome == CutOutcome::kLost) return stream + "trailing bytes";
      std::string content(seen.content_bytes, '\0');
      for (char& c : content) c = static_cast<char>(Pick(256));
      if (frames == 1 && Pick(4) == 0) content.resize(Pick(content.size() + 1));  // torn
      meaning->back().content = content;
      stream += content;
    }
    return stream;
  }

  std::mt19937* random() { return &random_; }

 private:
  size_t Pick(size_t below) { return random_() % below; }
  template <typename T>
  const T& PickFrom(const std::vector<T>& choices) {
    return choices[Pick(choices.size())];
  }

  Value AnyValue() {
    static const std::vector<std::string> kOther = {"-1",
                                                    "1.5",
                                                    "1e3",
                                                    "true",
                                                    "null",
                                                    "[]",
                                                    "{}",
                                                    R"([1,[{"content-length":3}],"x"])",
                                                    R"({"byteorder":"big","a":{"b":[]}})",
                                                    "-0.0",
                                                    "0.5E-3"};
    static const std::vector<std::string> kText = {"",  "little", "close",    "\u00fc\U0001F43E",
                                                   "7", "utf-8",  "text/json"};
    switch (Pick(3)) {
      case 0:
        return OtherValue(PickFrom(kOther));
      case 1:
        return IntegerValue(Pick(2) == 0 ? Pick(100) : uint64_t{random_()} * random_());
      default:
        return EscapedSometimes(PickFrom(kText));
    }
  }

  // The same string written with \u escapes.
  Value EscapedSometimes(const std::string& text) {
    Value value = StringValue(text);
    if (Pick(3) != 0 || text.empty() || static_cast<unsigned char>(text[0]) >= 0x80) return value;
    char escaped[8];
    std::snprintf(escaped, sizeof(escaped), "\\u%04x", static_cast<unsigned>(text[0]));
    value.json = Quoted(escaped + text.substr(1));
    return value;
  }

  std::vector<Field> Fields() {
    std::vector<Field> fields = {
        {"byteorder", EscapedSometimes(Pick(2) == 0 ? "little" : "big")},
        {"content-length", IntegerValue(Pick(12))},
        {"content-type", EscapedSometimes(Pick(2) == 0 ? "text/json" : "binary/x")},
        {"content-encoding", EscapedSometimes(Pick(2) == 0 ? "utf-8" : "binary")}};
    if (Pick(3) == 0) fields.push_back({"request-id", StringValue(std::string(Pick(4), 'r'))});
    if (Pick(3) == 0) fields.push_back({"handler", EscapedSometimes("search")});
    if (Pick(3) == 0) fields.push_back({"deadline-ms", IntegerValue(1 + Pick(86400000))});
    if (Pick(3) == 0) {
      fields.push_back({"connection", StringValue(Pick(2) == 0 ? "close" : "keep-alive")});
    }
    while (Pick(3) == 0) fields.push_back({Pick(2) == 0 ? "x" : "unread", AnyValue()});
    if (Pick(3) == 0) Spoil(&fields);
    std::shuffle(fields.begin(), fields.end(), random_);
    return fields;
  }

  // May leave the header as good as it was: the rules say what it means.
  void Spoil(std::vector<Field>* fields) {
    Field& victim = (*fields)[Pick(fields->size())];
    switch (Pick(5)) {
      case 0:
        fields->erase(fields->begin() + static_cast<std::ptrdiff_t>(Pick(fields->size())));
        return;
      case 1:
        fields->push_back(Field(victim));
        return;
      case 2:
        victim.value = AnyValue();
        return;
      case 3:
        victim.key += " ";
        return WithUnknown(fields);
      default:
        victim.value = StringValue(std::string(255 + Pick(3), 'a'));
    }
  }
  // A misspelt key is an unknown key.
  static void WithUnknown(std::vector<Field>* fields) { fields->push_back({"x", IntegerValue(1)}); }

  std::string Blank() {
    static const std::vector<std::string> kBlanks = {"", "", "", " ", "\n\t ", "\r\n"};
    return PickFrom(kBlanks);
  }

  std::string Write(const std::vector<Field>& fields) {
    std::string json = Blank() + "{" + Blank();
    for (const Field& field : fields) {
      if (&field != &fields.front()) json += "," + Blank();
      json += Quoted(field.key) + Blank() + ":" + Blank() + field.value.json + Blank();
    }
    return json + "}" + Blank();
  }

  // Certainly no JSON object any more.
  std::string Broken(const std::string& header) {
    switch (Pick(6)) {
      case 0:
        return header.substr(0, header.rfind('}'));
      case 1:
        return header + "x";
      case 2:
        return "[" + header + "]";
      case 3:
        return "\xff" + header;
      case 4:
        return header + header;
      default:
        return std::string(header).insert(header.find('{') + 1, ",");
    }
  }

  std::mt19937 random_;
};

}  // namespace windlass::framing_test

#endif  // WINDLASS_TESTS_WORKER_FRAMING_MESSAGE_REFERENCE_H_
