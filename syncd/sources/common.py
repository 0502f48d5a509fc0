"""Which Chinese characters are common: what tells a text from bytes that were read in the wrong character set.

Of Chinese text that is read rightly more than half of the characters are in this table (0.8 to 0.98 of official pages,
0.5 of old verse, 0.3 of a list of family names); of text read in a wrong set at most 0.13. It holds frequent characters of
modern Chinese and of official documents, simplified and traditional.
"""

from __future__ import annotations

import re

_COMMON = frozenset(
    "的一是不了在人有我他这个们中来上大为和国地到以说时要就出会可也你对生能而子那得于着下自之年过发后作里用道行所然家种事成方多经么去"
    "法学如都同现当没动面起看定天分还进好小部其些主样理心本前开但因只从想实日军者意无力它与长把机十民第公此已工使情明性知全三又关点正"
    "业外将两高间由问很最重并物手应战向头文体政美相见被利什二等产或新己制身果加西斯月话合回特代内信表化老给世位次度门任常先海通教儿原"
    "东声提立及比员解水名真论处走义各入几口认条平系气题活尔更别打女变四神总何电数安少报才结反受目太量再感建务做接必场件计管期市直德资"
    "命山金指克许统区保至队形社便空决治展马科司五基眼书非则听白却界达光放强即像难且权思王象完设式色路记南品住告类求据程北边死张该交规"
    "万取拉格望觉术领共确传师观清今切院让识候带导争运笔百每石志速派省支改近收根干造言持组布斗县级整商元局府厅令决议案例办印批复函号章"
    "监督检查考核评价标准范围责任落实推进促深化改革创新发展规划纲要意见通知公告通报请示报告纪要通则细则暂行试行实施方案措施条例办法规定"
    "财税金融银行投资企业经济农村业林牧渔水利土地资源环境保护生态气候能源煤炭油气电力交通铁路航空民航邮政信息网络数据数字智能技术工程"
    "卫生健康医疗药品食品疾病防控教育文化体育旅游人力社会保障就业养老儿童妇女残疾退役军事务应急消防安全生产灾害救援公安司法外交国防"
    "住房城乡建设房屋市场监管知识产权审计统计海关质量标委员会国务院部委局署直属机构省自治区直辖市州旗乡镇街道村居民委中央共产党总书记"
    "主席理李强签发施行修订废止失效有效期限自起同时按照根据为了加快完善健全提升优化稳步支持鼓励引导服务便利化项目资金预算支出收入专项补"
    "贴补助奖励申报名单结果公示获得关于做好开展组织进一步贯彻执行认真抓好地区部门单位个人群众基层一体联合协同合作供需链条重点领域关键"
    "核心先进试点示范基地园区平台中心体制机制制度政策法律行政许可备案登记注册证照处罚行为违法违规纠正调查追究移送依法公平竞争信用诚信"
    "这國來們說時會對過發後種經沒動樣還進實軍無與長機當業將兩間問應戰頭體見產這話給門東聲員論處義幾認條氣題爾別變總電數報結務場計資許"
    "統區隊決馬書則聽卻達強難權設記類據邊張該規萬術領確傳師觀讓識帶導爭運筆級縣組鬥議辦復監檢評標準範圍責實創劃綱報請試則細財稅銀濟"
    "農漁資環護態氣煤電鐵網絡數據術衛醫藥療疾養兒婦殘軍務應災害關質審計統識產權總記主席簽發訂廢穩勵導務項預專補貼獎勵單結獲關於開"
    "組織進貫徹執認個眾層聯協鏈條領關鍵點園臺體製機許備登記註冊證處罰違糾調查競爭誠風險業廳號為從這樣點線網頁連結歡迎標題內容資訊"
    "國務院辦公廳關於印發通知意見規劃綱要實施細則暫行辦法條例規定決定公告通報函復請示第號年度工作要點方案措施香港澳門臺灣特別首長議會"
    "委员长代表大会常务监察法院检察最高人民政协商届次全体扩大新华社记者人民日报央视电视台新闻联播解读图文问答发布会吹风例会召开主持出席"
    "河北山西辽宁吉林黑龙江苏浙安徽福建江西山东河南湖北湖南广东海南四川贵州云南陕甘肃青海台湾内蒙古广西藏宁夏新疆京津沪渝春夏秋冬早晚"
    "零二三四五六七八九十百千亿元角分公里吨米克度版页张份次场批项届期版件条款目附录表格下载打开链接首页更多上一下一返回搜索"
)  # fmt: skip
_WIDE = re.compile("[^\x00-\x7f\u3000-\u303f\uff00-\uffef\u2000-\u206f\xa0-\xbf]+")
_SAMPLE = 20_000
"""Characters that are looked at: more of them tell nothing new."""


def foreign(text: str) -> str:
    """The characters of a text that tell of its character set: not ASCII, no punctuation; the first twenty thousand."""
    found, size = [], 0
    for run in _WIDE.finditer(text):
        found.append(run.group())
        size += len(found[-1])
        if size >= _SAMPLE:
            break
    return "".join(found)[:_SAMPLE]


def share(characters: str) -> float:
    """The part of them that is common in Chinese, 0 to 1; 0 of none."""
    if not characters:
        return 0.0
    return sum(map(_COMMON.__contains__, characters)) / len(characters)
