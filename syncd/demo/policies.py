"""The policies of the demo. All are invented and say so; none was issued by anybody."""

from __future__ import annotations

from dataclasses import dataclass, field

SAYS_SO = "（本文为演示而虚构，不是任何机关发布的文件。）"
SAYS_SO_EN = "(Invented for a demonstration; nobody issued this.)"


@dataclass(frozen=True, slots=True)
class Policy:
    """One invented policy. number: 发文字号, "" for a joint document. files: names of attachments."""

    slug: str
    title: str
    issuer: str
    number: str
    paragraphs: tuple[str, ...]
    files: tuple[str, ...] = ()
    lang: str = "zh"
    index: str = field(default="")

    @property
    def says_so(self) -> str:
        return SAYS_SO if self.lang == "zh" else SAYS_SO_EN


OLD = tuple(
    Policy(
        f"content_10000{n}",
        f"国务院办公厅关于做好第{n}批演示工作的通知（虚构）",
        "国务院办公厅",
        f"国办演〔2026〕{n}号",
        ("旧文件，不应转载。",),
    )
    for n in range(1, 7)
)
OLD_EN = tuple(
    Policy(
        f"notice-{n}",
        f"Old demonstration notice {n} (invented)",
        "Demonstration Office",
        "",
        ("Old; not to be reposted.",),
        lang="en",
    )
    for n in range(1, 5)
)

BEDS = Policy(
    "content_200001",
    "国务院办公厅关于发展社区养老床位的演示意见",
    "国务院办公厅",
    "国办演〔2026〕21号",
    (
        "各省、自治区、直辖市人民政府，国务院各部委、各直属机构：",
        "为方便老年人就近享受照护服务，现提出以下演示意见。",
        "一、到演示期末，每个社区设置不少于二十张照护床位。",
        "二、床位信息应当在网上公开，每日更新一次。",
    ),
    files=("fujian1.pdf", "fujian2.png"),
    index="000014349/2026-90021",
)
BEDS_CORRECTED = Policy(
    BEDS.slug,
    BEDS.title,
    BEDS.issuer,
    BEDS.number,
    (*BEDS.paragraphs[:2], "一、到演示期末，每个社区设置不少于三十张照护床位。", BEDS.paragraphs[3]),
    files=BEDS.files,
    index=BEDS.index,
)
JOINT = Policy(
    "content_200002",
    "演示部等八部门联合印发《关于金融支持演示服务业的指导意见》",
    "演示部 示例部 样本总局",
    "",
    ("为促进服务业发展，演示部等八部门印发本指导意见。", "联合发文没有发文字号，以标题、机关和成文日期识别。"),
)
CROSSED = Policy(
    "content_200003",
    "国务院关于演示区域规划的批复",
    "国务院",
    "国函演〔2026〕33号",
    ("原则同意《演示区域规划》。", "读取本页时，服务器的第一次应答被丢失，系统再次读取。"),
)
CRASHED = Policy(
    "content_200004",
    "国务院办公厅关于断电恢复演练的通知（虚构）",
    "国务院办公厅",
    "国办演〔2026〕24号",
    ("本通知发布后，转载程序随即被强制终止并重新启动。", "重新启动之后，站点上仍然只有一篇。"),
)
LATE = Policy(
    "content_200005",
    "国务院办公厅关于迟到列表的演示通知",
    "国务院办公厅",
    "国办演〔2026〕25号",
    ("本通知在十四小时之前发布，但来源的列表刚刚才显示。", "超过十二小时的时限，责任在来源。"),
)
HEAT = Policy(
    "notice-heat",
    "Demonstration guidance on heat in workplaces",
    "Demonstration Office",
    "DEMO 2026/7",
    (
        "Employers should measure the temperature of workplaces twice a day.",
        "Where it exceeds thirty degrees, work is moved.",
    ),
    files=("annex-a.pdf",),
    lang="en",
)
HEAT_CORRECTED = Policy(
    HEAT.slug,
    HEAT.title,
    HEAT.issuer,
    HEAT.number,
    ("Employers should measure the temperature of workplaces three times a day.", HEAT.paragraphs[1]),
    files=HEAT.files,
    lang="en",
)
RECALLED = Policy(
    "notice-recall",
    "Demonstration notice on bicycle parking",
    "Demonstration Office",
    "DEMO 2026/8",
    ("Bicycles are parked in the marked places.", "This notice is withdrawn by its publisher a little later."),
    lang="en",
)
