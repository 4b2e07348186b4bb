import Glibc

/// Numbers as people read them.
enum Figures {
    /// 1 234 567, with blanks that do not break.
    static func count(_ number: Int) -> String {
        var text = ""
        for (index, digit) in String(number).reversed().enumerated() {
            if index > 0, index % 3 == 0, digit != "-" { text.append("\u{202F}") }
            text.append(digit)
        }
        return String(text.reversed())
    }

    /// With three digits that count: 0.12, 1.23, 12.3, 123, 12.3k, 1.23M.
    static func short(_ number: Double) -> String {
        guard number.isFinite, number >= 0 else { return "–" }
        var (value, unit) = (number, "")
        for next in ["k", "M", "G", "T"] where value >= 1000 { (value, unit) = (value / 1000, next) }
        return digits(value) + unit
    }

    /// A time with its unit.
    static func time(_ nanoseconds: Double) -> String {
        guard nanoseconds.isFinite, nanoseconds >= 0 else { return "–" }
        if nanoseconds < 1_000 { return "\(digits(nanoseconds)) ns" }
        if nanoseconds < 1e6 { return "\(digits(nanoseconds / 1e3)) µs" }
        if nanoseconds < 1e9 { return "\(digits(nanoseconds / 1e6)) ms" }
        if nanoseconds < 100e9 { return "\(digits(nanoseconds / 1e9)) s" }
        let seconds = Int(min(nanoseconds / 1e9, 1e12).rounded())
        func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
        if seconds < 3600 { return "\(seconds / 60):\(two(seconds % 60)) min" }
        return "\(seconds / 3600):\(two(seconds / 60 % 60)):\(two(seconds % 60)) h"
    }

    private static func digits(_ value: Double) -> String {
        let places = value >= 99.95 || value == 0 ? 0 : value >= 9.995 ? 1 : 2
        var text = decimal(value, places)
        while text.contains("."), text.last == "0" { text.removeLast() }
        if text.last == "." { text.removeLast() }
        return text
    }

    /// With so many places behind the point, 0 to 3.
    static func decimal(_ value: Double, _ places: Int) -> String {
        let factor = [1, 10, 100, 1000][places]
        let scaled = Int((min(max(value, -1e15), 1e15) * Double(factor)).rounded())
        guard places > 0 else { return "\(scaled)" }
        let rest = String(abs(scaled) % factor + factor).dropFirst()
        return (scaled < 0 ? "-" : "") + "\(abs(scaled) / factor).\(rest)"
    }

    /// Where an axis from 0 to `most` has its marks: at 1, 2 or 5 times a power of ten; about five of them.
    static func marks(to most: Double) -> [Double] {
        guard most > 0, most.isFinite else { return [0] }
        let rough = most / 5
        let power = pow(10, floor(log10(rough)))
        let step = [1.0, 2, 5, 10].map { $0 * power }.first { $0 >= rough * 0.999 } ?? rough
        return (0...Int(most / step + 1e-9)).map { Double($0) * step }
    }

    /// The same for a time in seconds: at steps of clocks.
    static func timeMarks(to most: Double) -> [Double] {
        let steps: [Double] = [10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200, 86400]
        guard most > 50 else { return marks(to: most) }
        let step = steps.first { most / $0 <= 9 } ?? (most / 8 / 86400).rounded(.up) * 86400
        return (0...Int(most / step + 1e-9)).map { Double($0) * step }
    }

    /// As text of HTML, also within quotes. What is no character of a page becomes one that says so.
    static func escaped(_ text: String) -> String {
        var escaped = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": escaped += "&amp;"
            case "<": escaped += "&lt;"
            case ">": escaped += "&gt;"
            case "\"": escaped += "&quot;"
            case "'": escaped += "&#39;"
            case "\n", "\t": escaped.unicodeScalars.append(scalar)
            case _ where scalar.properties.generalCategory == .control: escaped += "\u{FFFD}"
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }
}
