//! Tests of the reader of plain text: whole pages as they are laid out, and each rule by itself.

use super::*;
use crate::document::tests::{list_document_blocks, outline};
use crate::document::{Document, Format};
use insta::assert_snapshot;

fn document(text: &str, paragraphs: ParagraphRule) -> Document {
    crate::document::read(text.to_owned(), Format::Text, paragraphs)
}

fn kinds(text: &str) -> Vec<BlockKind> {
    document(text, ParagraphRule::Auto)
        .blocks
        .iter()
        .map(|block| block.kind)
        .collect()
}

#[test]
fn the_example_article_is_whole() {
    let source = include_str!("../../../examples/wuzhen-summit.txt");
    let blocks = document(source, ParagraphRule::Auto).blocks;
    let kinds: Vec<BlockKind> = blocks.iter().map(|block| block.kind).collect();
    let mut expected = vec![BlockKind::Heading, BlockKind::Metadata, BlockKind::Caption];
    expected.resize(kinds.len(), BlockKind::Paragraph);
    assert_eq!(kinds, expected);
    let lines: Vec<&str> = source.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    assert_eq!(blocks.iter().map(|block| &*block.text).collect::<Vec<_>>(), lines);
}

#[test]
fn every_line_is_a_block() {
    let text = "\u{feff}ข่าวเด่น\r\n\u{200b}\r\n  บรรทัดแรก \nบรรทัดสอง\u{200b}\rสาม\u{c}สี่\u{2028}(ภาพ: ซินหัว)\n";
    assert_snapshot!(outline(text, Format::Text), @r#"
    Heading 1: ข่าวเด่น
    Paragraph 0: บรรทัดแรก
    Paragraph 0: บรรทัดสอง
    Paragraph 0: สาม
    Paragraph 0: สี่
    Caption 0: (ภาพ: ซินหัว)
    "#);
}

const BODY_TEXT: &str = "กรมอุตุนิยมวิทยาประกาศเตือนประชาชนในภาคใต้ฝั่งตะวันออกให้ระวังอันตรายจากฝนที่ตกหนักและน้ำป่าไหลหลากในระยะนี้";

#[test]
fn a_page_of_a_news_portal() {
    let text = format!(
        "ธปท.คงดอกเบี้ยร้อยละ 2.50 ต่อปี\n8 พ.ย. 2566 | 14:30 น. | ข่าวเศรษฐกิจ\nโดย สมชาย ใจดี\nแชร์\n\nภาพ: ธนาคารแห่งประเทศไทย\n\n\
         {BODY_TEXT}\n\nมติไม่เป็นเอกฉันท์\n\n{BODY_TEXT}\n\n{BODY_TEXT}\n\nทิศทางปีหน้า\n\n{BODY_TEXT}\n\n***\n#ดอกเบี้ย #เศรษฐกิจไทย\n\
         อ่านเพิ่มเติม: เงินเฟ้อเดือนตุลาคมติดลบ\nที่มา: https://example.org/a?b=1\n(ขอบคุณข้อมูลจาก ธปท.)\n-สำนักข่าวไทย\n"
    );
    assert_snapshot!(outline(&text, Format::Text), @r#"
    Heading 1: ธปท.คงดอกเบี้ยร้อยละ 2.50 ต่อปี
    Metadata 0: 8 พ.ย. 2566 | 14:30 น. | ข่าวเศรษฐกิจ
    Metadata 0: โดย สมชาย ใจดี
    Metadata 0: แชร์
    Caption 0: ภาพ: ธนาคารแห่งประเทศไทย
    Paragraph 0: กรมอุตุนิยมวิทยาประกาศเตือนประชาชนในภาคใต้ฝั่งตะวันออกให้ระวังอันตรายจากฝนที่ตกหนักและน้ำป่าไหลหลากในระยะนี้
    Heading 2: มติไม่เป็นเอกฉันท์
    Paragraph 0: กรมอุตุนิยมวิทยาประกาศเตือนประชาชนในภาคใต้ฝั่งตะวันออกให้ระวังอันตรายจากฝนที่ตกหนักและน้ำป่าไหลหลากในระยะนี้
    Paragraph 0: กรมอุตุนิยมวิทยาประกาศเตือนประชาชนในภาคใต้ฝั่งตะวันออกให้ระวังอันตรายจากฝนที่ตกหนักและน้ำป่าไหลหลากในระยะนี้
    Heading 2: ทิศทางปีหน้า
    Paragraph 0: กรมอุตุนิยมวิทยาประกาศเตือนประชาชนในภาคใต้ฝั่งตะวันออกให้ระวังอันตรายจากฝนที่ตกหนักและน้ำป่าไหลหลากในระยะนี้
    Metadata 0: #ดอกเบี้ย #เศรษฐกิจไทย
    Metadata 0: อ่านเพิ่มเติม: เงินเฟ้อเดือนตุลาคมติดลบ
    Metadata 0: ที่มา: https://example.org/a?b=1
    Metadata 0: (ขอบคุณข้อมูลจาก ธปท.)
    Metadata 0: -สำนักข่าวไทย
    "#);
}

#[test]
fn a_press_release() {
    let text = format!(
        "ข่าวประชาสัมพันธ์\nข่าวที่ 12/2566\nวันที่ 9 พฤศจิกายน พ.ศ. 2566\n\nขนส่งฯ เปิดให้บริการต่อภาษีรถออนไลน์\n\n{BODY_TEXT}\n\
         ทั้งนี้ มีเงื่อนไขดังนี้\n1. รถยนต์อายุไม่เกิน 7 ปี\n   1.1 รถเก๋ง\n   1.2 รถกระบะ\n2. รถจักรยานยนต์อายุไม่เกิน 5 ปี\n\
         ก. จดทะเบียนแล้ว\nข. ชำระครบ\n✅ ค่าธรรมเนียม 1.50 บาท\n1.50 บาทต่อครั้ง\n\n---\nกลุ่มประชาสัมพันธ์ โทร. 0 2271 8888\n"
    );
    assert_snapshot!(outline(&text, Format::Text), @r#"
    Metadata 0: ข่าวประชาสัมพันธ์
    Metadata 0: ข่าวที่ 12/2566
    Metadata 0: วันที่ 9 พฤศจิกายน พ.ศ. 2566
    Heading 1: ขนส่งฯ เปิดให้บริการต่อภาษีรถออนไลน์
    Paragraph 0: กรมอุตุนิยมวิทยาประกาศเตือนประชาชนในภาคใต้ฝั่งตะวันออกให้ระวังอันตรายจากฝนที่ตกหนักและน้ำป่าไหลหลากในระยะนี้
    Paragraph 0: ทั้งนี้ มีเงื่อนไขดังนี้
    ListItem 1: รถยนต์อายุไม่เกิน 7 ปี
    ListItem 2: รถเก๋ง
    ListItem 2: รถกระบะ
    ListItem 1: รถจักรยานยนต์อายุไม่เกิน 5 ปี
    ListItem 1: จดทะเบียนแล้ว
    ListItem 1: ชำระครบ
    ListItem 1: ค่าธรรมเนียม 1.50 บาท
    Paragraph 0: 1.50 บาทต่อครั้ง
    Paragraph 0: กลุ่มประชาสัมพันธ์ โทร. 0 2271 8888
    "#);
}

#[test]
fn sections_with_numbers_rules_and_ornaments() {
    let text = format!(
        "รายงานสถานการณ์น้ำ\n==================\n\nบทที่ 1 ภาพรวม\n{BODY_TEXT}\n\nภาคเหนือ\n--------\n{BODY_TEXT}\n\n\
         == ภาคอีสาน ==\n\n{BODY_TEXT}\n\n【ภาคกลาง】\n{BODY_TEXT}\n\nลุ่มน้ำเจ้าพระยา\n{BODY_TEXT}\n\n\
         1. สาเหตุ\n{BODY_TEXT}\n2. แนวทางแก้ไข\n{BODY_TEXT}\n"
    );
    assert_snapshot!(outline(&text, Format::Text), @r#"
    Heading 1: รายงานสถานการณ์น้ำ
    Heading 2: บทที่ 1 ภาพรวม
    Paragraph 0: กรมอุตุนิยมวิทยาประกาศเตือนประชาชนในภาคใต้ฝั่งตะวันออกให้ระวังอันตรายจากฝนที่ตกหนักและน้ำป่าไหลหลากในระยะนี้
    Heading 2: ภาคเหนือ
    Paragraph 0: กรมอุตุนิยมวิทยาประกาศเตือนประชาชนในภาคใต้ฝั่งตะวันออกให้ระวังอันตรายจากฝนที่ตกหนักและน้ำป่าไหลหลากในระยะนี้
    Heading 2: ภาคอีสาน
    Paragraph 0: กรมอุตุนิยมวิทยาประกาศเตือนประชาชนในภาคใต้ฝั่งตะวันออกให้ระวังอันตรายจากฝนที่ตกหนักและน้ำป่าไหลหลากในระยะนี้
    Heading 2: ภาคกลาง
    Paragraph 0: กรมอุตุนิยมวิทยาประกาศเตือนประชาชนในภาคใต้ฝั่งตะวันออกให้ระวังอันตรายจากฝนที่ตกหนักและน้ำป่าไหลหลากในระยะนี้
    Heading 2: ลุ่มน้ำเจ้าพระยา
    Paragraph 0: กรมอุตุนิยมวิทยาประกาศเตือนประชาชนในภาคใต้ฝั่งตะวันออกให้ระวังอันตรายจากฝนที่ตกหนักและน้ำป่าไหลหลากในระยะนี้
    Heading 2: 1. สาเหตุ
    Paragraph 0: กรมอุตุนิยมวิทยาประกาศเตือนประชาชนในภาคใต้ฝั่งตะวันออกให้ระวังอันตรายจากฝนที่ตกหนักและน้ำป่าไหลหลากในระยะนี้
    Heading 2: 2. แนวทางแก้ไข
    Paragraph 0: กรมอุตุนิยมวิทยาประกาศเตือนประชาชนในภาคใต้ฝั่งตะวันออกให้ระวังอันตรายจากฝนที่ตกหนักและน้ำป่าไหลหลากในระยะนี้
    "#);
}

#[test]
fn tables_by_tabs_and_by_columns() {
    let text = "ราคาผลผลิต\n\nสินค้า\tราคา\tหน่วย\nข้าวเปลือก\t11,500\tบาท/ตัน\nยางแผ่นดิบ\t\tบาท/กก.\n\n\
                จังหวัด         ฝน (มม.)   วันที่\n--------------------------------\nเชียงใหม่           12.5   8 พ.ย.\nนครศรีธรรมราช     145.0   9 พ.ย.\n\
                \nหมายเหตุ  ข้อมูลเบื้องต้น\n";
    assert_snapshot!(outline(text, Format::Text), @r#"
    Heading 1: ราคาผลผลิต
    Cell 0: สินค้า
    Cell 0: ราคา
    Cell 0: หน่วย
    Cell 0: ข้าวเปลือก
    Cell 0: 11,500
    Cell 0: บาท/ตัน
    Cell 0: ยางแผ่นดิบ
    Cell 0: บาท/กก.
    Cell 0: จังหวัด
    Cell 0: ฝน (มม.)
    Cell 0: วันที่
    Cell 0: เชียงใหม่
    Cell 0: 12.5
    Cell 0: 8 พ.ย.
    Cell 0: นครศรีธรรมราช
    Cell 0: 145.0
    Cell 0: 9 พ.ย.
    Paragraph 0: หมายเหตุ  ข้อมูลเบื้องต้น
    "#);
}

#[test]
fn spaces_and_tabs_in_prose_make_no_table() {
    for text in [
        "ทั้งนี้  คณะกรรมการมีมติอนุมัติ  ดังนี้\nโดยให้กระทรวงการคลังเร่งดำเนินการ  และรายงานผลต่อไป",
        "1.\tรถยนต์\n2.\tรถจักรยานยนต์\n3.\tรถบรรทุก",
        "\tย่อหน้าแรกเยื้องด้วยแท็บ\n\tย่อหน้าสองก็เช่นกัน",
        "วันที่\t8 พฤศจิกายน",
    ] {
        assert!(!kinds(text).contains(&BlockKind::Cell), "{text}");
    }
}

#[test]
fn a_mail_is_unwrapped() {
    let text = "เรียน ทุกท่าน\n\n\
        ตามที่กรมชลประทานได้แจ้งเตือนสถานการณ์น้ำในลุ่มน้ำเจ้าพระยา เมื่อวันที่\n\
        8 พฤศจิกายน 2566 นั้น ขณะนี้ระดับน้ำที่สถานีวัดน้ำ C.2 จังหวัดนครสวรรค์\n\
        ยังคงเพิ่มขึ้นอย่างต่อเนื่อง และคาดว่าจะสูงสุดในช่วงปลายสัปดาห์นี้\n\n\
        สิ่งที่ขอให้เตรียม\n\
        - กระสอบทรายและเครื่องสูบน้ำสำหรับบ้านเรือนที่อยู่ริมตลิ่งหรือในที่ลุ่มต่ำซึ่ง\n\
        \x20 เคยถูกน้ำท่วมในปี 2554\n\
        - น้ำดื่ม\n\n\
        > ขอทราบกำหนดการลงพื้นที่ของคณะทำงานว่าจะออกเดินทางวันใด และต้อง\n\
        > เตรียมเอกสารอะไรบ้าง เพื่อจะได้แจ้งผู้ว่าราชการจังหวัด\n\n\
        ขอแสดงความนับถือ\nสมหญิง\n";
    assert_snapshot!(outline(text, Format::Text), @r#"
    Paragraph 0: เรียน ทุกท่าน
    Paragraph 0: ตามที่กรมชลประทานได้แจ้งเตือนสถานการณ์น้ำในลุ่มน้ำเจ้าพระยา เมื่อวันที่ 8 พฤศจิกายน 2566 นั้น ขณะนี้ระดับน้ำที่สถานีวัดน้ำ C.2 จังหวัดนครสวรรค์ยังคงเพิ่มขึ้นอย่างต่อเนื่อง และคาดว่าจะสูงสุดในช่วงปลายสัปดาห์นี้   <-- ตามที่กรมชลประทานได้แจ้งเตือนสถานการณ์น้ำในลุ่มน้ำเจ้าพระยา เมื่อวันที่\n8 พฤศจิกายน 2566 นั้น ขณะนี้ระดับน้ำที่สถานีวัดน้ำ C.2 จังหวัดนครสวรรค์\nยังคงเพิ่มขึ้นอย่างต่อเนื่อง และคาดว่าจะสูงสุดในช่วงปลายสัปดาห์นี้
    Paragraph 0: สิ่งที่ขอให้เตรียม
    ListItem 1: กระสอบทรายและเครื่องสูบน้ำสำหรับบ้านเรือนที่อยู่ริมตลิ่งหรือในที่ลุ่มต่ำซึ่งเคยถูกน้ำท่วมในปี 2554   <-- กระสอบทรายและเครื่องสูบน้ำสำหรับบ้านเรือนที่อยู่ริมตลิ่งหรือในที่ลุ่มต่ำซึ่ง\n  เคยถูกน้ำท่วมในปี 2554
    ListItem 1: น้ำดื่ม
    Quote 0: ขอทราบกำหนดการลงพื้นที่ของคณะทำงานว่าจะออกเดินทางวันใด และต้องเตรียมเอกสารอะไรบ้าง เพื่อจะได้แจ้งผู้ว่าราชการจังหวัด   <-- ขอทราบกำหนดการลงพื้นที่ของคณะทำงานว่าจะออกเดินทางวันใด และต้อง\n> เตรียมเอกสารอะไรบ้าง เพื่อจะได้แจ้งผู้ว่าราชการจังหวัด
    Paragraph 0: ขอแสดงความนับถือ
    Paragraph 0: สมหญิง
    "#);
    assert!(document(text, ParagraphRule::Auto).unwrapped);
    let line = document(text, ParagraphRule::Line);
    assert!(!line.unwrapped);
    assert_eq!(line.blocks.len(), text.lines().filter(|line| !line.is_empty()).count());
}

#[test]
fn paragraphs_end_where_they_are_said_to() {
    let text = "หนึ่ง\nสอง \nthree\n4\n- ห้า\nหก\nที่มา: เจ็ด\nแปด (\nเก้า)\n\nสิบ\r\n\r\nจบ";
    assert_eq!(kinds(text).len(), 11);
    assert_snapshot!(list_document_blocks(&document(text, ParagraphRule::BlankLine)), @r#"
    Paragraph 0: หนึ่งสอง three 4   <-- หนึ่ง\nสอง \nthree\n4
    ListItem 1: ห้าหก   <-- ห้า\nหก
    Metadata 0: ที่มา: เจ็ด
    Paragraph 0: แปด (เก้า)   <-- แปด (\nเก้า)
    Paragraph 0: สิบ
    Metadata 0: จบ
    "#);
    assert!(!document(text, ParagraphRule::BlankLine).unwrapped);
}

#[test]
fn only_what_is_evidently_wrapped_is_joined() {
    let cases = [
        // Headlines of about the same length.
        "นายกฯ สั่งเร่งช่วยน้ำท่วมใต้ ย้ำดูแลทั่วถึง\nส่งออก ต.ค. โต 8% สูงสุดรอบ 13 เดือน\nกทม. ฝุ่น PM2.5 เกินมาตรฐาน 12 เขตวันนี้\nหงส์แดงเปิดบ้านถล่มเบรนท์ฟอร์ด 3-0 ขึ้นที่สอง\n",
        // Verse.
        "แล้วสอนว่าอย่าไว้ใจมนุษย์\nมันแสนสุดลึกล้ำเหลือกำหนด\nถึงเถาวัลย์พันเกี่ยวที่เลี้ยวลด\nก็ไม่คดเหมือนหนึ่งในน้ำใจคน\n",
        // An address.
        "สำนักงานปลัดกระทรวงคมนาคม\nเลขที่ 38 ถนนราชดำเนินนอก\nแขวงวัดโสมนัส เขตป้อมปราบศัตรูพ่าย\nกรุงเทพมหานคร 10100\n",
    ];
    for text in cases {
        let read = document(text, ParagraphRule::Auto);
        assert!(!read.unwrapped, "{text}");
        assert_eq!(read.blocks.len(), text.lines().count());
    }
}

#[test]
fn spaces_go_where_a_line_end_stands_for_one() {
    for (first, second, joined) in [
        ("การพัฒนา", "ประเทศ", "การพัฒนาประเทศ"),
        ("การพัฒนา ", "ประเทศ", "การพัฒนา ประเทศ"),
        ("การพัฒนา\u{a0}", "ประเทศ", "การพัฒนา ประเทศ"),
        ("บริษัท", "SCG", "บริษัท SCG"),
        ("SCG", "ประกาศ", "SCG ประกาศ"),
        ("ปี", "2566", "ปี 2566"),
        ("๒๕๖๖", "มีผู้ชม", "๒๕๖๖ มีผู้ชม"),
        ("ต่าง", "ๆ นั้น", "ต่าง ๆ นั้น"),
        ("กรุงเทพฯ", "และปริมณฑล", "กรุงเทพฯ และปริมณฑล"),
        ("กล่าวว่า", "“จะ", "กล่าวว่า “จะ"),
        ("กล่าวว่า “", "จะ", "กล่าวว่า “จะ"),
        ("เมื่อวาน”", "ทั้งนี้", "เมื่อวาน” ทั้งนี้"),
        ("รฟท.", "(การรถไฟ", "รฟท. (การรถไฟ"),
        ("Open", "source", "Open source"),
    ] {
        let text = format!("{first}\n{second}\n");
        let read = document(&text, ParagraphRule::BlankLine);
        assert_eq!(read.blocks.len(), 1);
        assert_eq!(read.blocks[0].text, joined);
    }
}

#[test]
fn list_markers_stay_outside() {
    let markers = [
        "- ", "-", "• ", "•", "* ", "1. ", "1.", "๑. ", "12) ", "(๓) ", "– ", "ก) ", "(ข) ", "ค. ", "a) ", "✅ ",
        "✔️ ", "📌", "1️⃣ ", "→ ",
    ];
    for marker in markers {
        let text = format!("ข้อเสนอมีดังนี้\n{marker}ข้าว\n");
        assert_eq!(
            outline(&text, Format::Text),
            "Paragraph 0: ข้อเสนอมีดังนี้\nListItem 1: ข้าว\n",
            "{marker}"
        );
    }
}

#[test]
fn what_only_looks_like_a_list_marker_is_text() {
    for line in [
        "10.30 น.",
        "1.5 ล้านบาท",
        "-5 องศา",
        "1.",
        "2566. ข้าว",
        "(1 ข้าว",
        "1,000 บาท",
        "จ. เชียงใหม่",
        "อ. เมือง",
        "น. ส. พ.",
    ] {
        let blocks = document(line, ParagraphRule::Auto).blocks;
        assert_eq!((&*blocks[0].text, blocks[0].kind), (line, BlockKind::Paragraph));
    }
}

#[test]
fn ornament_is_no_text() {
    for line in [
        "***",
        "---",
        "-",
        "....",
        ".",
        "///",
        "__________",
        "—————",
        "= = =",
        "•••",
        "๏๏๏",
        "─────",
    ] {
        assert!(kinds(line).is_empty(), "{line}");
    }
    for line in ["555", "!!!", "?", "🙏", "ๆๆๆ", "“", "1"] {
        assert_eq!(kinds(line).len(), 1, "{line}");
    }
}

#[test]
fn titles_stand_first_and_alone() {
    let long = "ก".repeat(MAX_TITLE_CHARS + 1);
    let body = BODY_TEXT;
    for (text, kind) in [
        ("ก\n\nข", BlockKind::Heading),
        ("\n\nก\n \nข", BlockKind::Heading),
        ("ก\r\n\r\nข", BlockKind::Heading),
        ("ก\n8 พ.ย. 2566\nข", BlockKind::Heading),
        ("ก\nโดย สมชาย ใจดี\nข", BlockKind::Heading),
        ("ก\n***\nข", BlockKind::Heading),
        ("ก\nข\n\nค", BlockKind::Paragraph),
        ("ก\r\nข\r\n\r\nค", BlockKind::Paragraph),
        ("ก\n\n", BlockKind::Paragraph),
        ("ก", BlockKind::Paragraph),
        ("- ก\n\nข", BlockKind::ListItem),
        ("ภาพจากซินหัว\n\nข", BlockKind::Caption),
        ("เรียน ท่านผู้ปกครอง\n\nข", BlockKind::Paragraph),
        ("สวัสดีครับ\n\nข", BlockKind::Paragraph),
        ("เมื่อวันที่ 8 พ.ย. เกิดเหตุไฟไหม้\n\nข", BlockKind::Paragraph),
        ("นายกฯ กล่าวว่าจะไม่ลาออก\n\nข", BlockKind::Paragraph),
        (&format!("{long}\n\nข"), BlockKind::Paragraph),
    ] {
        assert_eq!(kinds(text)[0], kind, "{text:?}");
    }
    let after_date = format!("8 พฤศจิกายน 2566\n\nฝนถล่มใต้\n\n{body}\n");
    assert_eq!(
        kinds(&after_date),
        [BlockKind::Metadata, BlockKind::Heading, BlockKind::Paragraph]
    );
    let repeated = format!("สำนักข่าว-ฝนถล่มภาคใต้  หลายพื้นที่\n\n8 พ.ย. 66\nฝนถล่มภาคใต้ หลายพื้นที่\n{body}\n");
    assert_eq!(kinds(&repeated)[2], BlockKind::Heading);
    let quoting = format!("ผลวิจัยระบุว่าคนไทยนอนน้อยลง\n\n{body}\n");
    assert_eq!(kinds(&quoting)[0], BlockKind::Heading);
}

#[test]
fn a_paragraph_is_not_shown_as_a_heading() {
    let short = [
        "เขาไม่ได้ตอบ",
        "“เราจะสู้ต่อไป”",
        "ทั้งนี้ยังไม่มีผู้บาดเจ็บ",
        "ข้อเสนอมีดังนี้",
        "รายละเอียดเพิ่มเติม:",
        "โทร. 02-123-4567",
        "ไม่มีใครรู้มาก่อน",
        "นายสมชายกล่าว",
        "ขอบคุณครับ",
    ];
    for line in short {
        for text in [
            format!("หัวข้อข่าว\n\n{BODY_TEXT}\n\n{line}\n{BODY_TEXT}\n"),
            format!("หัวข้อข่าว\n\n{BODY_TEXT}\n\n{line}\n\n{BODY_TEXT}\n\n{line}\n\n{BODY_TEXT}\n"),
        ] {
            assert_eq!(
                kinds(&text).iter().filter(|kind| **kind == BlockKind::Heading).count(),
                1,
                "{line}"
            );
        }
    }
    // A line that could be a heading is none if other isolated lines cannot be headings.
    let mixed = format!(
        "ข่าว\n\n{BODY_TEXT}\n\nทิศทางปีหน้า\n\n{BODY_TEXT}\n\nเขาไม่ได้ตอบ\n\n{BODY_TEXT}\n\nบทเรียน\n\n{BODY_TEXT}\n"
    );
    assert_eq!(
        kinds(&mixed).iter().filter(|kind| **kind == BlockKind::Heading).count(),
        1
    );
    // Numbered items without text between them are a list.
    let items = "ก\n\n1. รถยนต์\n2. รถจักรยานยนต์\n3. รถบรรทุก\n";
    assert!(kinds(items)[1..].iter().all(|kind| *kind == BlockKind::ListItem));
}

#[test]
fn lines_about_the_article() {
    use BlockKind::{Caption, Metadata, Paragraph};
    let long = format!("ภาพจาก{}", "ก".repeat(90));
    for (text, expected) in [
        ("วันพฤหัสบดีที่ 24 ธันวาคม 2563", Metadata),
        ("วันพุธ 8 พ.ย. 66", Metadata),
        ("๘ พฤศจิกายน ๒๕๖๖", Metadata),
        ("09/02/2566", Metadata),
        ("2023-11-09 14:30", Metadata),
        ("8 พ.ย. 2566 เวลา 14.30 น.", Metadata),
        ("เผยแพร่ : 8 พ.ย. 2566 14:30 น. ปรับปรุง: 9 พ.ย. 2566 08:00 น.", Metadata),
        ("โพสต์เมื่อ 8 พฤศจิกายน 2566", Metadata),
        ("อัปเดตล่าสุด 8 พ.ย. 2566", Metadata),
        ("(CRI)วันพฤหัสบดี 09 พฤศจิกายน 2023", Metadata),
        ("กรุงเทพฯ, 8 พ.ย. 2566", Metadata),
        ("November 8, 2023", Metadata),
        ("Wed, 8 Nov 2023", Metadata),
        ("พฤศจิกายน 2566", Metadata),
        ("ข่าวการเมือง | 8 พ.ย. 2566 | อ่าน 1,234", Metadata),
        ("ผู้เขียน: สมชาย ใจดี", Metadata),
        ("โดย : ทีมข่าวอาชญากรรม", Metadata),
        ("แปลและเรียบเรียงโดย สมหญิง", Metadata),
        ("เรื่องและภาพ: สมชาย ใจดี", Metadata),
        ("ที่มา : https://www.example.org/news/1", Metadata),
        ("ที่มา (URL source) : https://www.example.org/", Metadata),
        ("(ที่มา: สำนักข่าวซินหัว)", Metadata),
        ("แหล่งข่าว: รอยเตอร์", Metadata),
        ("อ้างอิง: กรมอุตุนิยมวิทยา", Metadata),
        ("Source: Reuters", Metadata),
        (
            "https://www.example.org/a/very/long/address/that/goes/on/and/on/and/on/and/on/and/on/and/on/and/on/1",
            Metadata,
        ),
        ("#ไทยคู่ฟ้า #รวมไทยสร้างชาติ", Metadata),
        ("พิมพ์", Metadata),
        ("ข่าวประชาสัมพันธ์", Metadata),
        ("- จบ -", Metadata),
        ("-สำนักข่าวไทย", Metadata),
        ("ภาพจากซินหัว", Caption),
        ("(ภาพโดย สำนักข่าวไทย)", Caption),
        ("ภาพ: เอเอฟพี", Caption),
        ("ภาพ : เอเอฟพี", Caption),
        ("รูปภาพจาก Pixabay", Caption),
        ("แฟ้มภาพ", Caption),
        ("ขอบคุณภาพจากเพจท้องถิ่น", Caption),
        ("Photo: Xinhua", Caption),
        ("ที่มาภาพ: รอยเตอร์", Caption),
        ("วันที่ 8 พฤศจิกายน นายกฯ เดินทางไปเชียงใหม่", Paragraph),
        ("วันนี้ (8 พ.ย. 66) เวลา 10.00 น. นายจุติ", Paragraph),
        ("รัฐบาลเริ่มโครงการ 8 พฤศจิกายน 2566", Paragraph),
        ("10.30 น.", Paragraph),
        ("2566", Paragraph),
        ("ภาพรวมเศรษฐกิจไทยดีขึ้น", Paragraph),
        ("ที่มาของปัญหานี้คือฝนแล้ง", Paragraph),
        ("ข้อมูลจากกรมอุตุนิยมวิทยาระบุว่าฝนจะตก", Paragraph),
        ("โดยนายหลี่ เค่อเฉียง กล่าวว่า จีนพร้อม", Paragraph),
        ("ผู้เขียนเดินทางไปเชียงใหม่", Paragraph),
        ("# กองเผยแพร่และประชาสัมพันธ์", Paragraph),
        ("พิมพ์ชนกคว้ารางวัล", Paragraph),
        (&long, Paragraph),
    ] {
        assert_eq!(kinds(&format!("ก\nข\n{text}\nค\nง"))[2], expected, "{text}");
    }
}

#[test]
fn bylines_stand_beside_other_lines_about_the_article() {
    let body = BODY_TEXT;
    for (text, index, expected) in [
        (format!("ฝนถล่มใต้\nโดย สมชาย ใจดี\n\n{body}"), 1, BlockKind::Metadata),
        (format!("{body}\n\nโดย สมชาย ใจดี"), 1, BlockKind::Metadata),
        (
            format!("{body}\n{body}\nโดย สมชาย ใจดี\n{body}"),
            2,
            BlockKind::Paragraph,
        ),
        (format!("ฝนถล่มใต้\nโดย ครม. เผยมติวันนี้\n\n{body}"), 1, BlockKind::Paragraph),
    ] {
        assert_eq!(kinds(&text)[index], expected, "{text}");
    }
}

#[test]
fn lists_nest_by_indentation_and_by_numbers() {
    let levels = |text: &str| -> Vec<u8> {
        document(text, ParagraphRule::Auto)
            .blocks
            .iter()
            .map(|block| block.level)
            .collect()
    };
    assert_eq!(levels("- ก\n  - ข\n    - ค\n  - ง\n- จ"), [1, 2, 3, 2, 1]);
    assert_eq!(levels("1. ก\n1.1 ข\n1.2 ค\n1.2.1 ง\n2. จ\n2.1 ฉ"), [1, 2, 2, 3, 1, 2]);
    assert_eq!(levels("1. ก\n1.5 ล้านบาท\n2. ข"), [1, 0, 1]);
}

#[test]
fn the_government_news_are_laid_out_alike() {
    let Ok(directory) = std::fs::read_dir("../shared/data/thaigov") else {
        return;
    };
    let mut count = 0;
    for path in directory
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "txt"))
    {
        let text = std::fs::read_to_string(&path).unwrap();
        let read = document(&text, ParagraphRule::Auto);
        let kinds: Vec<BlockKind> = read.blocks.iter().map(|block| block.kind).collect();
        assert!(!read.unwrapped, "{path:?}");
        assert_eq!(kinds[..2], [BlockKind::Heading, BlockKind::Metadata], "{path:?}");
        assert_eq!(kinds[kinds.len() - 1], BlockKind::Metadata, "{path:?}");
        let title: String = read.blocks[0].text.split(char::is_whitespace).collect();
        for block in read
            .blocks
            .iter()
            .skip(1)
            .filter(|block| block.kind == BlockKind::Heading)
        {
            let line: String = block.text.split(char::is_whitespace).collect();
            assert!(title.ends_with(&line), "{path:?}: {}", block.text);
        }
        count += 1;
    }
    assert_eq!(count, 28);
}

/// Issue 19, kind 12: the number of a page stood as a paragraph between two halves of a sentence.
#[test]
fn a_page_break_does_not_part_a_sentence() {
    let texts = |text: &str, paragraphs| -> Vec<String> {
        let document = document(text, paragraphs);
        document.blocks.into_iter().map(|block| block.text).collect()
    };
    for (text, expected) in [
        (
            "รัฐบาลประกาศว่าจะ\n\n12\n\nช่วยเหลือชาวนา",
            &["รัฐบาลประกาศว่าจะช่วยเหลือชาวนา"][..],
        ),
        (
            "รัฐบาลประกาศว่าจะ\n- ๑๒ -\nช่วยเหลือชาวนา",
            &["รัฐบาลประกาศว่าจะช่วยเหลือชาวนา"],
        ),
        (
            "รัฐบาลประกาศว่าจะ\n\nหน้า 12\n\u{c}ช่วยเหลือชาวนา",
            &["รัฐบาลประกาศว่าจะช่วยเหลือชาวนา"],
        ),
        (
            "รัฐบาลช่วยเหลือชาวนา\n\n3/10\n\nซึ่งเดือดร้อนจากภัยแล้ง",
            &["รัฐบาลช่วยเหลือชาวนาซึ่งเดือดร้อนจากภัยแล้ง"],
        ),
        (
            "ข้าว (รวมถึงข้าวหอม\n\nPage 3 of 10\n\nมะลิ) ราคาตก",
            &["ข้าว (รวมถึงข้าวหอมมะลิ) ราคาตก"],
        ),
        (
            "คณะกรรมการเห็นชอบโครงการก่อสร้างรถไฟฟ้าสาย\n\u{c}สีเหลืองช่วงลาดพร้าวถึงสำโรงระยะทางยาว",
            &["คณะกรรมการเห็นชอบโครงการก่อสร้างรถไฟฟ้าสายสีเหลืองช่วงลาดพร้าวถึงสำโรงระยะทางยาว"],
        ),
        // What is no torn sentence stays apart, and so does a number that is no page's.
        (
            "ฝนตกหนักทั่วทุกภาค\n\n12\n\nชาวนาดีใจ",
            &["ฝนตกหนักทั่วทุกภาค", "12", "ชาวนาดีใจ"],
        ),
        ("ฝนตกหนัก\n\u{c}ชาวนาดีใจ", &["ฝนตกหนัก", "ชาวนาดีใจ"]),
        (
            "รัฐบาลประกาศว่าจะ\n\n12 ล้านบาท\n\nช่วยเหลือ",
            &["รัฐบาลประกาศว่าจะ", "12 ล้านบาท", "ช่วยเหลือ"],
        ),
        ("12", &["12"]),
        ("12\n\n13\n\nก", &["12", "13", "ก"]),
    ] {
        assert_eq!(texts(text, ParagraphRule::Auto), expected, "{text:?}");
        let lines = text.split(['\n', '\u{c}']).filter(|line| !line.is_empty()).count();
        assert_eq!(texts(text, ParagraphRule::Line).len(), lines, "{text:?}");
        assert!(!document(text, ParagraphRule::Auto).unwrapped);
    }
}

/// Issue 19, kind 12: a bullet with a skin tone was cut in two.
#[test]
fn a_bullet_is_a_whole_emoji() {
    assert_snapshot!(outline("👉🏽 ข้อหนึ่ง\n✔\u{fe0f} ข้อสอง\n1\u{fe0f}\u{20e3} ข้อสาม", Format::Text), @"
    ListItem 1: ข้อหนึ่ง
    ListItem 1: ข้อสอง
    ListItem 1: ข้อสาม
    ");
}

/// Invisible characters make no table and hide no heading, list or byline (pythainlp#373).
#[test]
fn what_is_not_visible_changes_no_block() {
    let clean = format!(
        "ธปท.คง ดอกเบี้ยร้อยละ 2.50 ต่อปี\n8 พ.ย. 2566 | 14:30 น. | ข่าวเศรษฐกิจ\nโดย สมชาย ใจดี\n\nภาพ: ธนาคารแห่งประเทศไทย\n\n\
         {BODY_TEXT}\nข้อความ สั้น ตรงนี้ มี\n\nมติไม่ เป็นเอกฉันท์\n\n{BODY_TEXT}\n\n{BODY_TEXT}\n\nทิศทาง ปีหน้า\n\n{BODY_TEXT}\n\n\
         1. ข้าว ไทย\n2. ยาง พารา\n- น้ำ ตาล\n> คำ พูด\n\n***\nคน แรก ที่ มา ถึง\nคน สอง ที่ มา ถึง\nที่มา: https://example.org/a?b=1\n"
    );
    let outline_of = |text: &str| -> Vec<(BlockKind, u8, String)> {
        let document = document(text, ParagraphRule::Auto);
        let block = |block: &Block| {
            assert_eq!(block.span.of(&document.text), block.text);
            (
                block.kind,
                block.level,
                crate::thai::normalise_thai(&block.text).into_owned(),
            )
        };
        document.blocks.iter().map(block).collect()
    };
    let expected = outline_of(&clean);
    assert!(expected.iter().any(|(kind, ..)| *kind == BlockKind::Heading));
    for c in [
        "\u{200b}", "\u{2060}", "\u{ad}", "\u{feff}", "\u{200f}", "\u{2068}", "\u{a0}", "\u{202f}", "&#8203;", "&nbsp;",
    ] {
        let mut noisy = vec![
            clean.replace(' ', &format!("{c} ")),
            clean.replace(' ', &format!(" {c}")),
            clean.replace(' ', &format!("{c} {c}")),
        ];
        if matches!(c, "\u{a0}" | "\u{202f}" | "&nbsp;") {
            noisy.push(clean.replace(' ', c));
        } else {
            noisy.push(clean.replace('\n', &format!("{c}\n{c}")));
            noisy.push(clean.chars().map(|letter| format!("{letter}{c}")).collect());
        }
        for text in noisy {
            assert_eq!(outline_of(&text), expected, "{}", c.escape_unicode());
        }
    }
}

/// nvda#6706: bullets of Symbol and Wingdings, and any other character of such a font that stands alone.
#[test]
fn bullets_of_symbol_fonts_begin_list_items() {
    let text = "หัวข้อ\n\n\u{f0b7} ข้อแรก\n\u{f0a7}ข้อสอง\n\u{f0d8}\tข้อสาม\n\u{f046} ข้อสี่\n\u{f0fc}ข้อห้า\n\u{f0b7}\n";
    assert_snapshot!(outline(text, Format::Text), @r#"
    Heading 1: หัวข้อ
    ListItem 1: ข้อแรก
    ListItem 1: ข้อสอง
    ListItem 1: ข้อสาม
    ListItem 1: ข้อสี่
    ListItem 1: ข้อห้า
    "#);
}

/// pdf-inspector#249: the source stays as it is, but what it says decides.
#[test]
fn damaged_words_are_known_for_what_they_are() {
    let text = format!("ธปท.คงดอกเบี้ย\n\nภาพ: ธนาคาร\n\nที่ม า: https://example.org/a\n\n{BODY_TEXT}\n");
    let kinds = |text: &str| -> Vec<BlockKind> {
        let blocks = document(text, ParagraphRule::Auto).blocks;
        blocks.iter().map(|block| block.kind).collect()
    };
    assert_eq!(kinds(&text), kinds(&text.replace("ที่ม า", "ที่มา")));
    assert_eq!(kinds(&text.replace("ที่ม า", "ท\u{f70a}\u{f702}มา")), kinds(&text));
}
